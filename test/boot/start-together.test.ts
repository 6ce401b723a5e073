import { PostgresBackend } from '@agendajs/postgres-backend';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { migrate, pendingMigrations } from '../../src/stores/migrate.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { runToEnd } from '../support/run-to-end.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

let home: TestDatabase;
beforeAll(async () => {
  home = await testDatabase();
});
afterAll(async () => {
  await home.drop();
});

async function emptyDatabase(name: string): Promise<{ url: string; drop: () => Promise<unknown> }> {
  const own = `${new URL(home.url).pathname.slice(1)}_${name}`;
  await home.rows(`create database ${own}`);
  const url = new URL(home.url);
  url.pathname = `/${own}`;
  return { url: url.href, drop: () => home.rows(`drop database if exists ${own} with (force)`) };
}

async function rowsOf(url: string, text: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

/** `npm run takeover` plays 10. */
const ROUNDS = process.env.LIVE_FULL === 'true' ? 10 : 3;

describe('Processes that start together on an empty database', () => {
  test(`migrate it once between them, in ${ROUNDS} rounds of 3`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const { url, drop } = await emptyDatabase(`round_${round}`);
      try {
        const done = await Promise.all([1, 2, 3].map(() => migrate(url)));
        expect(done.filter((names) => names.length > 0)).toHaveLength(1);
        expect(await pendingMigrations(url)).toEqual([]);
      } finally {
        await drop();
      }
    }
  }, 120_000);

  test('all start, a gateway, a worker and npm run migrate as they are shipped', async () => {
    const { url, drop } = await emptyDatabase('processes');
    const gateway = await GatewayProcess.on({ DATABASE_URL: url });
    const worker = await GatewayProcess.on({ DATABASE_URL: url }, 'worker.js');
    try {
      const [, , migration] = await Promise.all([
        gateway.start(),
        worker.start(),
        runToEnd('cli/migrate.js', { DATABASE_URL: url }),
      ]);
      expect(migration).toMatchObject({ code: 0, err: '' });
    } finally {
      await gateway.close();
      await worker.close();
      await drop();
    }
  }, 120_000);
});

test.each(['main.js', 'worker.js', 'cli/migrate.js'])(
  '%s reports a database that does not exist, and does not create it',
  async (script) => {
    const url = new URL(home.url);
    url.pathname = '/never_made';
    const { code, err } = await runToEnd(script, { DATABASE_URL: url.href });
    expect({ code, err }).toEqual({
      code: 1,
      err: `DATABASE_URL: ${url.host} cannot be used (database "never_made" does not exist). Create that database, or correct the URL.\n`,
    });
    expect(await home.rows(`select from pg_database where datname = 'never_made'`)).toEqual([]);
  },
);

test('The table of jobs is the one that the installed Agenda would make', async () => {
  const columns = `select column_name, data_type, is_nullable, column_default, character_maximum_length
    from information_schema.columns where table_schema = current_schema() and table_name = 'agenda_jobs' order by ordinal_position`;
  const things = `select regexp_replace(indexdef, '\\w+\\.agenda_jobs', 'agenda_jobs') as definition from pg_indexes
    where schemaname = current_schema() and tablename = 'agenda_jobs' order by indexname`;
  const url = new URL(home.url);
  await home.rows('create schema agenda_itself');
  url.searchParams.set('options', '-c search_path=agenda_itself');
  const backend = new PostgresBackend({ connectionString: url.href, tableName: 'agenda_jobs', disableNotifications: true });
  await backend.connect();
  await backend.disconnect();
  expect(await home.rows(columns)).toEqual(await rowsOf(url.href, columns));
  expect(await home.rows(things)).toEqual(await rowsOf(url.href, things));
});
