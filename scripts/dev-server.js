import { globSync, readFileSync } from 'node:fs';

/**
 * A standby server for `npm run dev`: it has loaded the packages, which is half the startup time, and waits for a message. Then it only
 * has to load our own code, in its latest version.
 */
const leave = () => process.exit();
process.once('disconnect', leave);
const startSignal = new Promise((resolve) => process.once('message', resolve));

await import('reflect-metadata');
for (const name of packagesOf('dist')) await import(name).catch(() => {}); // Our own code reports the error.

await startSignal;
process.off('disconnect', leave);
process.disconnect();
await import('../dist/src/main.js');

function packagesOf(directory) {
  const names = new Set();
  for (const file of globSync(`${directory}/src/**/*.js`))
    for (const [, name] of readFileSync(file, 'utf8').matchAll(/^import .*from ['"]([^.'"][^'"]*)['"]/gm)) names.add(name);
  return names;
}
