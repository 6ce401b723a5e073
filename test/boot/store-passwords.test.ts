import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { parse } from 'yaml';
import { readConfig } from '../../src/config/config.js';
import { secretsOf } from '../../src/config/secrets.js';
import { createRedactor } from '../../src/runtime/redact.js';
import { Database } from '../../src/stores/database.js';
import { openJobStore } from '../../src/stores/job-store.js';
import { migrate } from '../../src/stores/migrate.js';
import { connectRedis } from '../../src/stores/redis.js';
import { describeWithRedisServer } from '../live/redis-server.js';
import { freePort } from '../support/free-port.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const passwords = [
  'simple',
  '@/:%#?&=+;,!*()[]{}|<>~^',
  `$"'\``,
  ' blanks at both ends ',
  '%41%zz%',
  'back\\slash\\\\ and "quotes" \\x41 \\n',
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what Compose or a shell would fill in must be left alone.
  '${POSTGRES_PASSWORD:-boxoffice} $$ $HOME',
  'kéy-ключ-鍵-🎬',
];

let home: string;
beforeAll(() => {
  home = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-passwords-'));
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const configOf = (source: Record<string, string>) => readConfig({ DATA_DIR: home, ...source });

describe('the password of Postgres, which comes by a variable of its own', () => {
  let db: TestDatabase;
  let address: URL;
  beforeAll(async () => {
    db = await testDatabase();
    address = new URL(db.url);
    await db.rows('create role keeper login superuser');
  });
  afterAll(async () => {
    await db.rows('drop role keeper');
    await db.drop();
  });

  test.each(passwords)('may be %p: every part of the product that connects is let in', async (password) => {
    await db.rows(`alter role keeper password ${pg.escapeLiteral(password)}`);
    const url = `postgres://keeper@${address.host}${address.pathname}`;
    const { databaseUrl = '' } = configOf({ DATABASE_URL: url, DATABASE_PASSWORD: password });
    const database = new Database({ url: databaseUrl, poolSize: 1, statementTimeoutMs: 5_000, connectionTimeoutMs: 5_000 });
    const { rows } = await database.pool.query('select current_user as who');
    await database.close();
    expect(rows).toEqual([{ who: 'keeper' }]);
    const jobStore = await openJobStore({
      databaseUrl,
      mongodbUrl: undefined,
      connectionTimeoutMs: 5_000,
      onIdleError: () => {},
    });
    expect(await jobStore.state()).toBe('CONNECTED');
    await jobStore.close();
    expect(await migrate(databaseUrl)).toEqual([]);
    const wrong = configOf({ DATABASE_URL: url, DATABASE_PASSWORD: `${password} ` });
    const refused = new pg.Client({ connectionString: wrong.databaseUrl });
    await expect(refused.connect()).rejects.toMatchObject({ code: '28P01' });
  });
});

describe('the password of a store', () => {
  test.each([
    ['DATABASE', 'postgres://boxoffice@host:5432/boxoffice?sslmode=require', 'databaseUrl'],
    ['REDIS', 'redis://host:6379/2', 'redisUrl'],
    ['REDIS', 'rediss://user@host', 'redisUrl'],
    ['MONGODB', 'mongodb://boxoffice@a:27017,b:27017/boxoffice?authSource=admin', 'mongodbUrl'],
  ] as const)('of %s goes into %s, encoded, and changes nothing else of it', (name, url, setting) => {
    const given = configOf({ [`${name}_URL`]: url, [`${name}_PASSWORD`]: 'a@b:c/d%25 ' })[setting];
    const password = encodeURIComponent('a@b:c/d%25 ');
    expect(given).toBe(url.includes('@') ? url.replace('@', `:${password}@`) : url.replace('://', `://:${password}@`));
  });

  test.each(['DATABASE', 'REDIS', 'MONGODB'])('of %s is refused beside one that is in the URL, and neither is shown', (name) => {
    const scheme = { DATABASE: 'postgres', REDIS: 'redis', MONGODB: 'mongodb' }[name];
    const url = `${scheme}://user:hunter2@host/boxoffice`;
    expect(() => configOf({ [`${name}_URL`]: url, [`${name}_PASSWORD`]: 'hunter3' })).toThrow(
      new RegExp(`^${name}_PASSWORD: is set, and ${name}_URL has a password too\\. Keep one of them\\.$`),
    );
    expect(configOf({ [`${name}_URL`]: url, [`${name}_PASSWORD`]: '' })).toBeDefined();
  });

  test('without a URL is nothing: the store is another one', () => {
    const config = configOf({ DATABASE_PASSWORD: 'one', REDIS_PASSWORD: 'two', MONGODB_PASSWORD: 'three' });
    expect([config.databaseUrl, config.redisUrl, config.mongodbUrl]).toEqual([undefined, undefined, undefined]);
  });

  test.each(passwords.filter(({ length }) => length >= 8))('never appears in a log line, raw or encoded: %p', (password) => {
    const config = configOf({ REDIS_URL: 'redis://host', REDIS_PASSWORD: password });
    const redact = createRedactor(secretsOf(config));
    const line = `cannot reach ${config.redisUrl} with ${password}, ${encodeURIComponent(password)}`;
    expect(redact(line)).not.toContain(password);
    expect(redact(line)).not.toContain(encodeURIComponent(password));
  });
});

describeWithRedisServer('the Redis of docker-compose.yml', () => {
  const { redis } = (
    parse(readFileSync('docker-compose.yml', 'utf8'), { merge: true }) as { services: { redis: { command: string[] } } }
  ).services;
  let child: ChildProcess | undefined;
  afterEach(async () => {
    if (!child) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
    child = undefined;
  });

  test.each(passwords)('started by its command takes %p, and nobody without it', async (password) => {
    const port = await freePort();
    // As Compose would: `$$` is a dollar sign. Only where it listens is ours.
    const [shell = '', ...rest] = redis.command.map((part) => part.replaceAll('$$', '$'));
    const script = (rest.at(-1) as string).replace('\nEND\n', `\nport ${port}\nbind 127.0.0.1\nEND\n`);
    const env = { PATH: process.env.PATH, REDISCLI_AUTH: password };
    child = spawn(shell, [...rest.slice(0, -1), script], { env, stdio: 'ignore', cwd: home });
    const ask = (auth: string | undefined) =>
      spawnSync('redis-cli', ['-p', String(port), 'ping'], {
        env: { PATH: process.env.PATH, ...(auth && { REDISCLI_AUTH: auth }) },
        encoding: 'utf8',
      }).stdout.trim();
    await until(async () => ask(password) === 'PONG', 'redis-server answers');
    expect(ask(undefined)).toMatch(/^NOAUTH/);
    const { redisUrl = '' } = configOf({ REDIS_URL: `redis://127.0.0.1:${port}`, REDIS_PASSWORD: password });
    const client = connectRedis({ url: redisUrl, commandTimeoutMs: 2_000 }, { enableOfflineQueue: true });
    expect(await client.config('GET', 'maxmemory-policy')).toEqual(['maxmemory-policy', 'volatile-lru']);
    client.disconnect();
    // What `ps` shows of it, and that a signal reaches it: the shell has become Redis.
    const arguments_ = readFileSync(`/proc/${child.pid}/cmdline`, 'utf8');
    expect(arguments_).toContain('redis-server');
    expect(arguments_).not.toContain(password);
  });
});
