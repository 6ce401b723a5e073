import { globSync, readFileSync } from 'node:fs';

/**
 * A server of `npm run dev` that is not needed yet: it has loaded the packages, which is half the time of a start, and waits for the
 * word. Then only our own code is left to load, as it is on the disk by then.
 */
const leave = () => process.exit();
process.once('disconnect', leave);
const word = new Promise((resolve) => process.once('message', resolve));

await import('reflect-metadata');
for (const name of packagesOf('dist')) await import(name).catch(() => {}); // Our own code says what is wrong.

await word;
process.off('disconnect', leave);
process.disconnect();
await import('../dist/src/main.js');

function packagesOf(directory) {
  const names = new Set();
  for (const file of globSync(`${directory}/src/**/*.js`))
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/^import .*from ['"]([^.'"][^'"]*)['"]/gm)) names.add(name);
  return names;
}
