import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Compiles into `dist`, unless its contents are newer than every source. The old output is replaced as a whole, by renaming: a command
 * that runs beside a server never finds a partial build, and no output of a removed source (such as a migration) is left.
 */
const inputs = ['src', 'migrations', 'mikro-orm.config.ts', 'tsconfig.json', 'tsconfig.build.json', 'package-lock.json'];
const stamp = 'dist/.built';

function newestMs(name) {
  const { mtimeMs } = statSync(name);
  if (!statSync(name).isDirectory()) return mtimeMs;
  // A directory's own time changes when files are removed.
  return Math.max(mtimeMs, ...readdirSync(name).map((entry) => newestMs(path.join(name, entry))));
}

const startedAt = new Date();
const fresh = existsSync(stamp) && statSync(stamp).mtimeMs > Math.max(...inputs.map(newestMs));
if (!fresh || process.argv.includes('--force')) {
  const draft = `dist-${process.pid}`;
  const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json', '--outDir', draft], { stdio: 'inherit' });
  if (status !== 0) {
    rmSync(draft, { recursive: true, force: true });
    process.exit(1);
  }
  writeFileSync(path.join(draft, '.built'), startedAt.toISOString());
  const old = `${draft}-old`;
  if (existsSync('dist')) renameSync('dist', old);
  renameSync(draft, 'dist');
  rmSync(old, { recursive: true, force: true });
}
