import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Database } from '../../src/stores/database.js';
import { Relay } from '../support/relay.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';

const one = { name: 'one', text: 'select 1 as one' };
const slow = { name: 'slow', text: 'select pg_sleep(0.2)' };

let postgres: TestDatabase;
let relay: Relay;
let database: Database;

beforeAll(async () => {
  postgres = await testDatabase();
  const url = new URL(postgres.url);
  relay = new Relay(Number(url.port));
  url.port = String(await relay.start());
  database = new Database({ url: url.href, poolSize: 1, statementTimeoutMs: 100, connectionTimeoutMs: 5_000 });
});
afterAll(async () => {
  await relay.stop();
  await database.close();
  await postgres.drop();
});

test('a statement that takes too long is cancelled, and its connection stays in use', async () => {
  await expect(database.query(slow)).rejects.toMatchObject({ code: '57014' });
  expect(await database.query(one)).toEqual([{ one: 1 }]);
});

test('work that may take as long as it takes is not ended', async () => {
  const work = database.transaction((tx) => tx.query(slow), { unlimited: true });
  expect(await work).toHaveLength(1);
  await expect(database.query(slow)).rejects.toMatchObject({ code: '57014' });
});

test('a connection that went silent blocks nobody forever: its statement is rejected, and the next one gets a new connection', async () => {
  await database.query(one);
  relay.silence();
  await expect(database.query(one)).rejects.toThrow('Query read timeout');
  expect(await database.query(one)).toEqual([{ one: 1 }]);
  relay.silence();
  await expect(database.transaction((tx) => tx.query(one))).rejects.toThrow('Query read timeout');
  expect(await database.query(one)).toEqual([{ one: 1 }]);
});
