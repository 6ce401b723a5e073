import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Database, type Statement } from '../../src/stores/database.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

const INTERVAL_MS = 30_000;
const composed = (name: string): Statement => ({ name, text: `select '${name}' as name`, family: 'composed' });

let postgres: TestDatabase;
let database: Database;
let nowMs = 0;
const observed: string[] = [];

beforeAll(async () => {
  postgres = await testDatabase();
  database = new Database({
    url: postgres.url,
    poolSize: 1,
    statementTimeoutMs: 5_000,
    connectionTimeoutMs: 5_000,
    preparedPlaces: { count: 3, replacementIntervalMs: INTERVAL_MS, nowMs: () => nowMs },
    observer: {
      statement: (name, run) => {
        observed.push(name);
        return run();
      },
    },
  });
});
afterAll(async () => {
  await database.close();
  await postgres.drop();
});

async function prepared(): Promise<string[]> {
  const rows = await database.pool.query<{ name: string }>(`select name from pg_prepared_statements where name like 'page-%'`);
  return rows.rows.map(({ name }) => name).sort();
}

describe('Statements that callers compose', () => {
  test('are prepared while there are places, and run without one too', async () => {
    for (let shape = 1; shape <= 50; shape++) {
      expect(await database.query(composed(`page-${shape}`))).toEqual([{ name: `page-${shape}` }]);
    }
    // The fourth took the place of the first; the others came within the interval.
    expect(await prepared()).toEqual(['page-1', 'page-2', 'page-3', 'page-4']);
    expect(new Set(observed)).toEqual(new Set(['composed']));
  });

  test('take a place only from the one that was unused for longest, and one in an interval', async () => {
    nowMs += INTERVAL_MS;
    await database.query(composed('page-2'));
    await database.query(composed('page-51'));
    // page-3 was unused for longest: it has no place any more, and gets none within the interval.
    await database.query(composed('page-52'));
    expect(await prepared()).toEqual(['page-1', 'page-2', 'page-3', 'page-4', 'page-51']);
    nowMs += INTERVAL_MS;
    for (const name of ['page-2', 'page-53', 'page-54', 'page-2', 'page-55']) await database.query(composed(name));
    expect(await prepared()).toEqual(['page-1', 'page-2', 'page-3', 'page-4', 'page-51', 'page-53']);
  });

  test('leave the places of statements of our own alone', async () => {
    await database.query({ name: 'page-own', text: 'select 1' });
    expect(await prepared()).toContain('page-own');
    expect(observed.at(-1)).toBe('page-own');
  });
});
