import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/stores/embedded-postgres/embedded-postgres.js';
import { until } from '../support/until.js';

let home: string;
let dataDirectory: string;
const children: ChildProcess[] = [];
const servers: EmbeddedPostgres[] = [];

beforeEach(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'boxoffice embedded '));
  chmodSync(home, 0o755);
  dataDirectory = path.join(home, 'with space');
});

afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const server of servers.splice(0)) await server.stop();
  rmSync(home, { recursive: true, force: true });
});

async function start(options: { share?: boolean } = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDirectory, fast: true, ...options });
  servers.push(server);
  return server;
}

async function ask(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat();
  } finally {
    await client.end();
  }
}

/** Another process that owns the server, and the first line it prints. */
async function ownElsewhere(): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, ['test/boot/own-postgres.mjs', dataDirectory], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(child);
  const [line] = (await once(createInterface(child.stdout as NodeJS.ReadableStream), 'line')) as [string];
  return { child, line };
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

const postmasterPid = () => Number(readFileSync(path.join(dataDirectory, 'postgres/postmaster.pid'), 'utf8').split('\n')[0]);
/** A process that has ended may stay in the table until its parent asks (state Z). */
const isAlive = (pid: number) => existsSync(`/proc/${pid}/stat`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));

/** The system takes a moment to remove a process after it has released everything it held. */
async function gone(pid: number): Promise<void> {
  await until(() => !isAlive(pid), `the end of process ${pid}`);
}

describe('the embedded Postgres', () => {
  test('keeps its data over a restart, and leaves nothing running', async () => {
    const first = await start();
    await ask(first.url, 'create table kept as select 42 as answer');
    const pid = postmasterPid();
    await first.stop();
    await gone(pid);
    const second = await start();
    expect(await ask(second.url, 'select answer from kept')).toEqual([42]);
  });

  test('asks for a password', async () => {
    const { url } = await start();
    await expect(ask(url.replace(/:\w+@/, ':wrong@'), 'select 1')).rejects.toMatchObject({ code: '28P01' });
  });

  test('is taken over, still running, when its owner was killed by -9', async () => {
    const { child, line: url } = await ownElsewhere();
    await ask(url, 'create table kept as select 42 as answer');
    const pid = postmasterPid();
    await kill(child);
    expect(isAlive(pid)).toBe(true);
    const adopted = await start();
    expect(postmasterPid()).toBe(pid);
    expect(await ask(adopted.url, 'select answer from kept')).toEqual([42]);
    await adopted.stop();
    await gone(pid);
  });

  test('recovers when owner and server were both killed by -9', async () => {
    const { child, line: url } = await ownElsewhere();
    await ask(url, 'create table kept as select 42 as answer');
    process.kill(postmasterPid(), 'SIGKILL');
    await kill(child);
    expect(await ask((await start()).url, 'select answer from kept')).toEqual([42]);
  });

  test('starts though the number in its pid file now belongs to another process', async () => {
    await (await start()).stop();
    const stranger = spawn('sleep', ['60'], { stdio: 'ignore' });
    children.push(stranger);
    writeFileSync(
      path.join(dataDirectory, 'postgres/postmaster.pid'),
      `${stranger.pid}\n${dataDirectory}/postgres\n1\n5432\n\n\n`,
    );
    expect(await ask((await start()).url, 'select 1')).toEqual([1]);
    expect(isAlive(stranger.pid as number)).toBe(true);
  });

  test('refuses a second owner in one clear line, and lets commands share', async () => {
    const { child, line: url } = await ownElsewhere();
    expect((await ownElsewhere()).line).toBe(
      `DATA_DIR ${dataDirectory} is in use by another running Boxoffice. Stop it, or set another DATA_DIR.`,
    );
    const shared = await start({ share: true });
    expect(shared.url).toBe(url);
    await shared.stop();
    expect(await ask(url, 'select 1')).toEqual([1]);
    await kill(child);
    await start();
  });

  test('two starts at the same moment end in one owner', async () => {
    const lines = (await Promise.all([ownElsewhere(), ownElsewhere()])).map(({ line }) => line.split(' ')[0]).sort();
    expect(lines).toEqual(['DATA_DIR', expect.stringMatching(/^postgresql:/)]);
    for (const child of children.splice(0)) await kill(child);
    await start();
  });

  test('reports in one line that its data directory cannot be used', async () => {
    mkdirSync(home, { recursive: true });
    writeFileSync(dataDirectory, 'a file');
    await expect(start()).rejects.toThrow(/^DATA_DIR .*with space cannot be used: /);
  });
});

const asRoot = process.getuid?.() === 0;
if (!asRoot) process.stdout.write('embedded Postgres: the tests of dropping root are left out, since this is an ordinary user\n');

(asRoot ? describe : describe.skip)('the embedded Postgres as root', () => {
  test('works below a directory that is closed to other accounts', async () => {
    chmodSync(home, 0o700);
    const { url, stop } = await start();
    expect(await ask(url, 'select 1')).toEqual([1]);
    const cluster = spawnSync('readlink', ['-f', path.join(dataDirectory, 'postgres')], { encoding: 'utf8' }).stdout.trim();
    expect(cluster).toMatch(/^\/var\/lib\/boxoffice\/cluster-/);
    await stop();
    expect(await ask((await start()).url, 'select 1')).toEqual([1]);
    await servers.pop()?.stop();
    rmSync(path.dirname(cluster), { recursive: true });
  });
});
