import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import path from 'node:path';

/** The account that a server process runs as; empty: this process's account. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Where root keeps what the database's account must be able to read if DATA_DIR or node_modules are below a directory that it cannot
 * access (`/root` has mode 700): a copy of the binaries, and the cluster, which DATA_DIR/postgres then links to.
 */
const shelf = '/var/lib/boxoffice';

/** Postgres refuses to run as root, so root uses an account that every system has; no account is created. */
export function databaseAccount(): Account {
  if (process.getuid?.() !== 0) return {};
  const rows = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  const row = ['postgres', '_postgres', 'nobody'].map((name) => rows.find((fields) => fields[0] === name)).find(Boolean);
  if (!row) throw new Error('As root, the embedded Postgres needs an account "postgres" or "nobody". Run as an ordinary user.');
  return { uid: Number(row[2]), gid: Number(row[3]) };
}

/** The owner of an existing cluster, which may have been created by another account. */
export function accountOf(directory: string): Account {
  if (process.getuid?.() !== 0) return {};
  const { uid, gid } = lstatSync(directory);
  return uid === 0 ? databaseAccount() : { uid, gid };
}

/** The directory of a data directory's cluster, whether or not it exists. */
export function clusterDirectory(dataDirectory: string, account: Account): string {
  const own = path.join(dataDirectory, 'postgres');
  if (existsSync(own)) return realpathSync(own);
  if (canEnter(dataDirectory, account)) return own;
  makeShelf();
  // A new name each time: a deleted data directory must not reappear with its old contents.
  const parent = mkdtempSync(path.join(shelf, 'cluster-'));
  chmodSync(parent, 0o755);
  const cluster = path.join(parent, 'postgres');
  rmSync(own, { force: true });
  symlinkSync(cluster, own);
  return cluster;
}

/** Deletes the cluster of a data directory, wherever it is stored. Its server must have stopped. */
export function removeCluster(dataDirectory: string): void {
  const own = path.join(dataDirectory, 'postgres');
  if (!existsSync(own)) return;
  const cluster = realpathSync(own);
  const onShelf = cluster.startsWith(`${shelf}/`);
  rmSync(onShelf ? path.dirname(cluster) : cluster, { recursive: true, force: true });
  rmSync(own, { force: true });
}

/** The directory of the binaries, copied to where the account can read them if necessary. */
export function reachableBinaries(native: string, version: string, account: Account): string {
  if (canEnter(native, account) && runs(native, account)) return native;
  // If we cannot run them either (install scripts did not run), a copy would not help, and would remain.
  if (account.uid === undefined || !runs(native, {})) {
    throw new Error(
      `The Postgres binaries in ${native} cannot be run. Install the dependencies again, with their install scripts.`,
    );
  }
  makeShelf();
  const copy = path.join(shelf, `binaries-${version}`);
  if (existsSync(copy) && runs(copy, account)) return copy;
  rmSync(copy, { recursive: true, force: true });
  const draft = mkdtempSync(path.join(shelf, 'draft-'));
  cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
  spawnSync('chmod', ['-R', 'a+rX', draft]);
  try {
    renameSync(draft, copy);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}

function runs(native: string, account: Account): boolean {
  const settings = { ...account, cwd: '/', stdio: 'ignore' } as const;
  // Both: postgres needs fewer libraries than initdb.
  return ['postgres', 'initdb'].every((name) => spawnSync(path.join(native, 'bin', name), ['--version'], settings).status === 0);
}

function makeShelf(): void {
  mkdirSync(shelf, { recursive: true });
  chmodSync(shelf, 0o755);
}

/** Tries it as that account: permissions depend on every parent, access lists and mount options. */
function canEnter(directory: string, account: Account): boolean {
  if (account.uid === undefined) return true;
  return spawnSync('/bin/sh', ['-c', 'cd "$0"', directory], { ...account, cwd: '/', stdio: 'ignore' }).status === 0;
}
