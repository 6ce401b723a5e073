import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { Database, isTransient } from '../../src/stores/database.js';
import { probeDatabase } from '../../src/stores/database-probe.js';
import { freePort } from '../support/free-port.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

const failure = (code: string, severity = 'ERROR') => Object.assign(new pg.DatabaseError('no', 2, 'error'), { code, severity });

describe('A state of the database that passes', () => {
  test.each([
    '40001',
    '40P01',
    '55P03',
    '57014',
    '53000',
    '53100',
    '53200',
    '53300',
    '53400',
    '25006',
    '57P01',
    '57P02',
    '57P03',
    '57P05',
    '08006',
    '25P03',
    '58030',
  ])('is SQLSTATE %s', (code) => {
    expect(isTransient(failure(code))).toBe(true);
  });

  test.each(['23505', '22003', '42P01', '42501', '25P02', '25001', '54000', 'XX000'])('is not SQLSTATE %s', (code) => {
    expect(isTransient(failure(code))).toBe(false);
  });

  test('is whatever ends or refuses the session', () => {
    expect(isTransient(failure('55000', 'FATAL'))).toBe(true);
    expect(isTransient(failure('55000'))).toBe(false);
  });

  test('is a server that nobody can reach, a pool without a free connection, and a pool that is closed', async () => {
    const away = new Database({
      url: `postgres://localhost:${await freePort()}/none`,
      poolSize: 1,
      statementTimeoutMs: 1_000,
      connectionTimeoutMs: 500,
    });
    expect(isTransient(await away.query({ name: 'one', text: 'select 1' }).catch((error: unknown) => error))).toBe(true);
    await away.close();
    expect(isTransient(await away.query({ name: 'one', text: 'select 1' }).catch((error: unknown) => error))).toBe(true);
    const home = await testDatabase();
    const small = new Database({ url: home.url, poolSize: 1, statementTimeoutMs: 1_000, connectionTimeoutMs: 2_000 });
    const held = await small.pool.connect();
    expect(isTransient(await small.query({ name: 'one', text: 'select 1' }).catch((error: unknown) => error))).toBe(true);
    held.release();
    await small.close();
    await home.drop();
  });

  test.each([new Error('a defect'), new TypeError('of null'), null, 'text'])('is not %p', (error) => {
    expect(isTransient(error)).toBe(false);
  });
});

describe('The probe of readiness', () => {
  let home: TestDatabase;
  beforeAll(async () => {
    home = await testDatabase();
  });
  afterAll(() => home.drop());
  const withOption = (option: string) => {
    const url = new URL(home.url);
    url.searchParams.set('options', `-c ${option}`);
    return new Database({ url: url.href, poolSize: 2, statementTimeoutMs: 10_000, connectionTimeoutMs: 5_000 });
  };

  test('writes, also while another process is probing', async () => {
    const other = new pg.Client({ connectionString: home.url });
    await other.connect();
    await other.query('begin');
    await other.query('update write_probe set probed_at = now()');
    await probeDatabase(home.database);
    await other.query('rollback');
    await other.end();
    const before = new Date();
    await home.rows(`update write_probe set probed_at = 'epoch'`);
    await probeDatabase(home.database);
    const [row] = await home.rows<{ probed_at: Date }>('select probed_at from write_probe');
    expect(row?.probed_at.getTime()).toBeGreaterThan(before.getTime() - 60_000);
  });

  test.each([
    ['is read-only', 'default_transaction_read_only=on', '25006'],
    // The only way to be short of room without filling a disk: Postgres' limit on the files that a full disk would refuse.
    ['has no room for a file', 'temp_file_limit=100kB', '53400'],
  ])('fails on a database that %s', async (_what, option, code) => {
    const database = withOption(option);
    await expect(probeDatabase(database)).rejects.toMatchObject({ code });
    await database.close();
  });
});
