// Runs the benchmarks that are named, or all, one after the other: `npm run bench`, `npm run bench gateway -- --help`.
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const all = readdirSync(here, { withFileTypes: true })
  .map((entry) => entry.name)
  .filter((name) => existsSync(`${here}${name}/run.js`));
const [name, ...rest] = process.argv.slice(2);
if (name && !all.includes(name)) {
  console.error(`There is no benchmark "${name}". There are: ${all.join(', ')}.`);
  process.exit(2);
}
for (const chosen of name ? [name] : all) {
  const { status } = spawnSync(process.execPath, [`${here}${chosen}/run.js`, ...rest], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
