import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { Database } from '../../src/stores/database.js';
import { openJobStore } from '../../src/stores/job-store.js';
import { migrate } from '../../src/stores/migrate.js';
import { freePort } from '../support/free-port.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

const FOREIGN: Readonly<Record<string, string>> = {
  timezone: 'Asia/Kolkata',
  datestyle: 'SQL, DMY',
  intervalstyle: 'iso_8601',
  bytea_output: 'escape',
  standard_conforming_strings: 'off',
  extra_float_digits: '-10',
  default_transaction_isolation: 'serializable',
  statement_timeout: '77777',
  lock_timeout: '66666',
  idle_in_transaction_session_timeout: '55555',
};
const OURS = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  standard_conforming_strings: 'on',
  extra_float_digits: '1',
  default_transaction_isolation: 'read committed',
  statement_timeout: '4s',
  lock_timeout: '3s',
  idle_in_transaction_session_timeout: '2s',
};

let home: TestDatabase;
beforeAll(async () => {
  home = await testDatabase();
});
afterAll(() => home.drop());

const open = (url: string, poolSize = 2) =>
  new Database({
    url,
    poolSize,
    statementTimeoutMs: 4_000,
    connectionTimeoutMs: 5_000,
    lockTimeoutMs: 3_000,
    idleTransactionTimeoutMs: 2_000,
  });

/** The settings as a query on this pool sees them, and an instant that went through text and back. */
async function seenBy(pool: pg.Pool): Promise<{ settings: Record<string, string>; instant: string }> {
  const { rows } = await pool.query('select name, current_setting(name) as value from unnest($1::text[]) as name', [
    Object.keys(OURS),
  ]);
  const [row] = (await pool.query(`select $1::timestamptz as instant`, [new Date('2026-03-29T01:30:00.000Z')])).rows;
  return { settings: Object.fromEntries(rows.map(({ name, value }) => [name, value])), instant: row.instant.toISOString() };
}
const expected = { settings: OURS, instant: '2026-03-29T01:30:00.000Z' };

describe('Every session of a pool has our settings', () => {
  test('whatever options DATABASE_URL carries', async () => {
    const url = new URL(home.url);
    url.searchParams.set(
      'options',
      Object.entries(FOREIGN)
        .map(([name, value]) => `-c ${name}=${value.replaceAll(' ', '\\ ')}`)
        .join(' '),
    );
    const database = open(url.href);
    try {
      expect(await seenBy(database.pool)).toEqual(expected);
    } finally {
      await database.close();
    }
  });

  test('whatever timeouts DATABASE_URL carries as parameters of its own', async () => {
    const url = new URL(home.url);
    for (const name of ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout'])
      url.searchParams.set(name, '1');
    const database = open(url.href);
    try {
      expect((await seenBy(database.pool)).settings).toEqual(OURS);
    } finally {
      await database.close();
    }
  });

  test('whatever the database sets for those who connect to it, in the pool of jobs too, and after a connection broke', async () => {
    const name = new URL(home.url).pathname.slice(1);
    for (const [setting, value] of Object.entries(FOREIGN)) {
      const values = setting === 'datestyle' ? value : `'${value}'`;
      await home.rows(`alter database ${name} set ${setting} = ${values}`);
    }
    const database = open(home.url);
    const jobs = await openJobStore({
      databaseUrl: home.url,
      mongodbUrl: undefined,
      connectionTimeoutMs: 5_000,
      onIdleError: () => {},
    });
    const jobPool = (jobs.backend.repository as unknown as { getPool(): pg.Pool }).getPool();
    try {
      expect(await seenBy(database.pool)).toEqual(expected);
      expect(await seenBy(jobPool)).toMatchObject({
        instant: expected.instant,
        settings: { TimeZone: 'UTC', DateStyle: 'ISO, MDY' },
      });
      await home.rows(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where application_name = 'boxoffice' and datname = current_database() and pid <> pg_backend_pid()`,
      );
      await until(() => database.statistics().open === 0, 'the broken connections are gone');
      expect(await seenBy(database.pool)).toEqual(expected);
    } finally {
      await database.close();
      await jobs.close();
      for (const setting of Object.keys(FOREIGN)) await home.rows(`alter database ${name} reset ${setting}`);
    }
  });

  test('and the tables are where search_path says, migrations included', async () => {
    const url = new URL(home.url);
    await home.rows('create schema app');
    url.searchParams.set('options', '-c search_path=app');
    expect((await migrate(url.href)).length).toBeGreaterThan(3);
    expect(await migrate(url.href)).toEqual([]);
    const [found] = await home.rows(
      `select count(*)::int as tables from pg_tables where schemaname = 'app' and tablename in ('balances', 'agenda_jobs', 'mikro_orm_migrations')`,
    );
    expect(found).toEqual({ tables: 3 });
    await home.rows('drop schema app cascade');
  });
});

const hasPgBouncer = spawnSync('pgbouncer', ['--version'], { stdio: 'ignore' }).status === 0;
if (!hasPgBouncer && process.env.CI === 'true') throw new Error('CI=true, and there is no pgbouncer: install it.');
if (!hasPgBouncer) console.info('sessions: PgBouncer is not on the path, so the part behind it is not run');

(hasPgBouncer ? describe : describe.skip)('Behind PgBouncer in session mode', () => {
  let bouncer: ChildProcess;
  let directory: string;
  let url: URL;

  beforeAll(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-bouncer-'));
    url = new URL(home.url);
    const { hostname, port: serverPort, username, password } = url;
    const port = await freePort();
    const lines = [
      '[databases]',
      `* = host=${hostname} port=${serverPort}`,
      '[pgbouncer]',
      'listen_addr = 127.0.0.1',
      `listen_port = ${port}`,
      'unix_socket_dir =',
      'auth_type = plain',
      `auth_file = ${directory}/users`,
      'pool_mode = session',
      'server_reset_query = DISCARD ALL',
      // One server connection for all clients, one after the other: each finds what the last one left.
      'default_pool_size = 1',
    ];
    writeFileSync(path.join(directory, 'ini'), lines.join('\n'));
    writeFileSync(path.join(directory, 'users'), `"${username}" "${password}"\n`);
    // It refuses to run as root.
    const id = (flag: string) => Number(execFileSync('id', [flag, 'nobody'], { encoding: 'utf8' }));
    const account = process.getuid?.() === 0 ? { uid: id('-u'), gid: id('-g') } : {};
    if (account.uid !== undefined) {
      for (const name of [directory, path.join(directory, 'ini'), path.join(directory, 'users')]) {
        chmodSync(name, 0o755);
        chownSync(name, account.uid, account.gid);
      }
    }
    bouncer = spawn('pgbouncer', [path.join(directory, 'ini')], { ...account, stdio: 'ignore' });
    url.port = String(port);
    await until(async () => {
      const client = new pg.Client({ connectionString: url.href });
      const up = await client.connect().then(
        () => true,
        () => false,
      );
      await client.end().catch(() => {});
      return up;
    }, 'PgBouncer answers');
  });
  afterAll(() => {
    bouncer?.kill('SIGKILL');
    rmSync(directory, { recursive: true, force: true });
  });

  test('settings, named statements and transactions work, for one client after another on the same server connection', async () => {
    for (let client = 0; client < 3; client++) {
      const database = open(url.href, 1);
      try {
        expect(await seenBy(database.pool)).toEqual(expected);
        const named = { name: 'same-name', text: 'select $1::int as number' };
        for (const number of [1, 2]) expect(await database.query(named, [number])).toEqual([{ number }]);
        expect(await database.transaction((tx) => tx.query(named, [3]))).toEqual([{ number: 3 }]);
      } finally {
        await database.close();
      }
    }
    expect(await migrate(url.href)).toEqual([]);
  });
});
