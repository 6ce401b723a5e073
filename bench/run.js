// Runs the benchmarks that are named, or all, one after the other: `npm run bench`, `npm run bench live`.
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));
const all = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);
const [name, ...rest] = process.argv.slice(2);
if (name && !all.includes(name)) {
  console.error(`There is no benchmark "${name}". There are: ${all.join(', ')}.`);
  process.exit(2);
}
for (const chosen of name ? [name] : all) {
  const { status } = spawnSync(process.execPath, [`${here}${chosen}/run.js`, ...rest], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
