import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { openJobStore } from '../../src/stores/job-store.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { testedJobStores } from './job-stores.js';

let postgres: TestDatabase;

beforeAll(async () => {
  postgres = await testDatabase();
});
afterAll(() => postgres.drop());

test.each(testedJobStores())('the job store in $name reports whether it answers', async ({ mongodbUrl, drop }) => {
  const store = await openJobStore({
    databaseUrl: postgres.url,
    mongodbUrl,
    connectionTimeoutMs: 5_000,
    onIdleError: () => {},
  });
  expect(await store.state()).toBe('CONNECTED');
  await store.close();
  expect(await store.state()).toBe('DOWN');
  await drop();
});
