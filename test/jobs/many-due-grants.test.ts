import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Caller } from '../../src/services/caller.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { Database, type Statement } from '../../src/stores/database.js';
import { runJob } from '../support/run-job.js';
import { Shop } from '../support/shop.js';
import { testServices } from '../support/test-services.js';

/** `npm run workers` expires 100,000, in as many batches. */
const FULL = process.env.JOBS_FULL_MINUTE === 'true';
const GRANTS = FULL ? 100_000 : 20_000;
const GRANTS_PER_VIEWER = 5;
const BATCH = FULL ? 500 : 100;
const BUYERS = 40;

/** Remembers the most rows that one statement brought into this process. */
class CountingDatabase extends Database {
  mostRows = 0;
  statements = 0;

  override async query<Row>(statement: Statement, values?: readonly unknown[]): Promise<Row[]> {
    const rows = await super.query<Row>(statement, values);
    this.mostRows = Math.max(this.mostRows, rows.length);
    this.statements++;
    return rows;
  }
}

let shop: Shop;
let offer: Offer;
let database: CountingDatabase;

beforeAll(async () => {
  shop = await Shop.open();
  offer = await shop.desk.putOnSale(1, 10);
  database = new CountingDatabase({ url: shop.db.url, poolSize: 4, statementTimeoutMs: 10_000, connectionTimeoutMs: 5_000 });
});
afterAll(async () => {
  await database.close();
  await shop.close();
});

const expireGrants = () => {
  const { grants } = testServices({ database, clock: shop.clock });
  return runJob('expire-grants', { grants }, { limits: { jobBatchCount: BATCH } });
};
const count = async (text: string) => Number((await shop.db.rows<{ count: number }>(text))[0]?.count);

/** Grants that are over, five for each of these viewers and of as many others as it takes. */
async function dueGrants(viewers: readonly string[]): Promise<void> {
  await shop.db.rows(
    `with viewer as (
       select unnest($1::uuid[]) as user_id union all select gen_random_uuid() from generate_series(1, $2::int)
     ), balance as (
       insert into balances (user_id, currency, created_at, updated_at) select user_id, 'USD', now(), now() from viewer on conflict do nothing
     )
     insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at, starts_at,
       available_until, text_digest, actor_id)
     select gen_random_uuid(), user_id, $3, 'ACTIVE', 'GIFT', 1, 10, 'USD', $4::timestamptz - interval '10 days', $4::timestamptz - interval '10 days',
       $4::timestamptz - random() * interval '1 hour', 'test', $3 from viewer, generate_series(1, $5::int)`,
    [viewers, GRANTS / GRANTS_PER_VIEWER - viewers.length, offer.versionId, shop.clock.now(), GRANTS_PER_VIEWER],
  );
}

test(`${GRANTS} grants due at once are expired in bounded memory, and those who buy meanwhile do not wait for them`, async () => {
  const buyers: (Caller & { userId: string })[] = [];
  for (let index = 0; index < BUYERS; index++) buyers.push(await shop.viewer(5_000_000));
  await dueGrants(buyers.map(({ userId }) => userId));

  let done = false;
  const expiring = expireGrants().finally(() => {
    done = true;
  });
  /** By purchase: how many statements of the expiry ended during the purchase. */
  const passed: number[] = [];
  const buyOn = async (buyer: Caller) => {
    while (!done) {
      const before = database.statements;
      const { errors } = await shop.buy(buyer, offer);
      expect(errors).toEqual([]);
      passed.push(database.statements - before);
      // Buyers, not a benchmark: the machine is for the expiry too.
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  await Promise.all([expiring, ...buyers.slice(0, 2).map(buyOn)]);
  const statements = database.statements;

  // Who is busy just then is left for the next run, a second later in earnest.
  await expireGrants();
  expect(await count(`select count(*) from grants where status = 'EXPIRED'`)).toBe(GRANTS);
  expect(
    await count(
      `select count(*) from (select 1 from journal where kind = 'GRANT' and state ->> 'status' = 'EXPIRED' group by subject_id) once`,
    ),
  ).toBe(GRANTS);
  expect(database.mostRows).toBeLessThanOrEqual(BATCH);
  expect(database.statements).toBeGreaterThanOrEqual(GRANTS / BATCH);
  expect(passed.length).toBeGreaterThan(20);
  // One transaction for all would have held up the buyers, who have due grants themselves, for the whole time.
  expect(Math.max(...passed)).toBeLessThan(statements / 4);
}, 180_000);

test('one viewer with more due grants than fit a batch does not make a batch larger', async () => {
  const viewer = await shop.viewer(100);
  await shop.db.rows(
    `insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at, starts_at,
       available_until, text_digest, actor_id)
     select gen_random_uuid(), $1, $2, 'ACTIVE', 'GIFT', 1, 10, 'USD', $3::timestamptz - interval '10 days', $3::timestamptz - interval '10 days', $3, 'test', $2
     from generate_series(1, 25)`,
    [viewer.userId, offer.versionId, shop.clock.now()],
  );
  const { grants } = testServices({ database, clock: shop.clock });
  expect([await grants.expireDue(10), await grants.expireDue(10), await grants.expireDue(10)]).toEqual([10, 10, 5]);
});

test('two workers at once take different grants, and neither waits for a viewer who is busy', async () => {
  const [busy, ...others] = [await shop.viewer(100), await shop.viewer(100), await shop.viewer(100)];
  const insert = (userId: string) =>
    shop.db.rows(
      `insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at, starts_at,
         available_until, text_digest, actor_id)
       select gen_random_uuid(), $1, $2, 'ACTIVE', 'GIFT', 1, 10, 'USD', $3::timestamptz - interval '10 days', $3::timestamptz - interval '10 days', $3, 'test', $2
       from generate_series(1, 20)`,
      [userId, offer.versionId, shop.clock.now()],
    );
  for (const { userId } of [busy, ...others]) await insert(userId as string);
  const { grants } = testServices({ database, clock: shop.clock });
  const client = await shop.db.database.pool.connect();
  try {
    await client.query('begin');
    await client.query('select 1 from balances where user_id = $1 for update', [busy?.userId]);
    // Half of these are held by a worker that has not committed yet.
    await client.query(`select 1 from grants where user_id = any($1::uuid[]) limit 20 for update`, [
      others.map(({ userId }) => userId),
    ]);
    expect(await grants.expireDue(100)).toBe(20);
  } finally {
    await client.query('rollback');
    client.release();
  }
  expect(await grants.expireDue(100)).toBe(40);
});
