import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/services/new-id.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { eventually } from './eventually.js';

const WORKER = path.resolve('dist/src/worker.js');
const VIEWERS = 200;

/** Real worker processes, built as they are shipped, that share one database. */
describe('Three worker processes', () => {
  let home: TestDatabase;
  const workers = new Set<ChildProcess>();

  beforeAll(async () => {
    home = await testDatabase();
  });
  afterEach(() => {
    for (const worker of workers) worker.kill('SIGKILL');
    workers.clear();
  });
  afterAll(() => home.drop());

  async function startWorker(): Promise<{ worker: ChildProcess; url: string }> {
    const port = await freePort();
    const worker = spawn(process.execPath, [WORKER], {
      env: {
        PATH: process.env.PATH,
        DATABASE_URL: home.url,
        PORT: String(port),
        STRIPE_SECRET_KEY: 'sk_test_nobody',
        STRIPE_WEBHOOK_SECRET: 'whsec_nobody',
        STRIPE_API_URL: 'http://127.0.0.1:9',
        JWT_SECRET: 'x'.repeat(32),
        EXPIRE_GRANTS_INTERVAL_MS: '200',
        JOB_BATCH_COUNT: '20',
        LOG_LEVEL: 'silent',
      },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    workers.add(worker);
    worker.once('exit', () => workers.delete(worker));
    const url = `http://127.0.0.1:${port}/healthz`;
    await eventually(async () => (await fetch(url).catch(() => null))?.status === 200, 20_000);
    return { worker, url };
  }

  /** Grants whose time is over, one for each new viewer. */
  async function newDueGrants(count: number): Promise<void> {
    await home.rows(
      `with viewer as (
         insert into balances (user_id, currency, created_at, updated_at)
         select gen_random_uuid(), 'USD', now(), now() from generate_series(1, $1) returning user_id
       )
       insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at,
         available_until, reason, actor_id)
       select gen_random_uuid(), user_id, $2, 'ACTIVE', 'GIFT', 100, 10, 'USD', now() - interval '10 days', now(), 'test', $2 from viewer`,
      [count, versionId],
    );
  }
  let versionId = '';

  async function newVersion(): Promise<string> {
    const [filmId, subscriptionId, id] = [newId(), newId(), newId()];
    await home.rows(`insert into films (id, title, created_at, updated_at) values ($1, 'Nosferatu', now(), now())`, [filmId]);
    await home.rows(
      `insert into subscriptions (id, title, description, status, created_at, updated_at) values ($1, 'Silent', '', 'ACTIVE', now(), now())`,
      [subscriptionId],
    );
    await home.rows(
      `with version as (
         insert into subscription_versions (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
         values ($1, $2, 1, 100, 10, 1000, 'USD', 1, now()) returning id
       ) insert into subscription_version_films (version_id, film_id) select id, $3 from version`,
      [id, subscriptionId, filmId],
    );
    await home.rows('update subscriptions set current_version_id = $2 where id = $1', [subscriptionId, id]);
    return id;
  }
  const count = async (text: string) => Number((await home.rows<{ count: number }>(text))[0]?.count);

  test('expire each due grant once, while one of them is killed again and again', async () => {
    versionId = await newVersion();
    for (let index = 0; index < 3; index++) await startWorker();
    for (let round = 1; round <= 4; round++) {
      await newDueGrants(VIEWERS);
      // The one that has worked last is the one whose lock is missed most.
      const [victim] = workers;
      victim?.kill('SIGKILL');
      await startWorker();
      await eventually(
        async () => (await count(`select count(*) from grants where status = 'EXPIRED'`)) === round * VIEWERS,
        20_000,
      );
    }
    expect(await count('select count(*) from live_events')).toBe(4 * VIEWERS);
    expect(await count('select count(*) from (select 1 from live_events group by grant_id having count(*) > 1) doubled')).toBe(0);
    expect(await count(`select count(*) from job_states where name = 'expire-grants' and fail_count = 0`)).toBe(1);
  }, 120_000);

  test('end in order when they are told to, and leave no lock behind', async () => {
    // Of the workers that were killed before.
    await home.rows('update agenda_jobs set locked_at = null');
    const started = [await startWorker(), await startWorker()];
    const exits = started.map(({ worker }) => new Promise<number | null>((resolve) => worker.once('exit', resolve)));
    for (const { worker } of started) worker.kill('SIGTERM');
    expect(await Promise.all(exits)).toEqual([0, 0]);
    expect(await count(`select count(*) from agenda_jobs where name = 'expire-grants' and locked_at is not null`)).toBe(0);
  }, 60_000);
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
