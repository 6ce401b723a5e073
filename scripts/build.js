import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Compiles the packages and then the product, each into its `dist`, unless its contents are newer than every source. The old output is
 * replaced as a whole, by renaming: a command that runs beside a server never finds a partial build, and no output of a removed source
 * (such as a migration) is left.
 */
const projects = [
  // First: the product's types refer to those that it writes.
  { folder: 'packages/stripe-sandbox', inputs: ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json'] },
  {
    folder: '.',
    inputs: ['src', 'migrations', 'mikro-orm.config.ts', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'],
  },
];

function newestMs(name) {
  const { mtimeMs } = statSync(name);
  if (!statSync(name).isDirectory()) return mtimeMs;
  // A directory's own time changes when files are removed.
  return Math.max(mtimeMs, ...readdirSync(name).map((entry) => newestMs(path.join(name, entry))));
}

function isFresh({ folder, inputs }) {
  const stamp = path.join(folder, 'dist/.built');
  return existsSync(stamp) && statSync(stamp).mtimeMs > Math.max(...inputs.map((name) => newestMs(path.join(folder, name))));
}

function build({ folder }) {
  const startedAt = new Date();
  const output = path.join(folder, 'dist');
  const draft = `${output}-${process.pid}`;
  const project = path.join(folder, 'tsconfig.build.json');
  const { status } = spawnSync('tsc', ['-p', project, '--outDir', draft], { stdio: 'inherit' });
  if (status !== 0) {
    rmSync(draft, { recursive: true, force: true });
    process.exit(1);
  }
  writeFileSync(path.join(draft, '.built'), startedAt.toISOString());
  const old = `${draft}-old`;
  if (existsSync(output)) renameSync(output, old);
  renameSync(draft, output);
  rmSync(old, { recursive: true, force: true });
}

if (!existsSync('node_modules/@boxoffice/stripe-sandbox')) {
  console.error('node_modules has no link to packages/stripe-sandbox. Run npm install.');
  process.exit(1);
}
for (const project of projects) if (process.argv.includes('--force') || !isFresh(project)) build(project);
