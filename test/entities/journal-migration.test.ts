import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import settings from '../../mikro-orm.config.js';
import { newId } from '../../src/services/ids.js';
import { verifyLedger } from '../../src/services/verification/verify-ledger.js';
import { Database } from '../../src/stores/database.js';
import { migrate } from '../../src/stores/migrate.js';

const BEFORE = 'Migration20261128124500';

describe('A database from before there was a journal', () => {
  const name = `journal_migration_${process.pid}`;
  const url = new URL(process.env.TEST_TEMPLATE_URL as string);
  const own = new URL(url.href);
  own.pathname = `/${name}`;
  const [rich, idle] = [newId(), newId()];
  let admin: pg.Client;
  let client: pg.Client;
  let database: Database;
  const steps: string[] = [];

  beforeAll(async () => {
    admin = new pg.Client({ connectionString: url.href });
    await admin.connect();
    await admin.query(`create database ${name}`);
    client = new pg.Client({ connectionString: own.href });
    await client.connect();
    const orm = await MikroORM.init({ ...settings, clientUrl: own.href, logger: () => {} });
    await orm.migrator.up({ to: BEFORE });
    await client.query(`begin; ${history(rich, idle)}; commit`);
    await orm.close(true);
    await migrate(own.href, (step) => steps.push(step));
    database = new Database({ url: own.href, poolSize: 2, statementTimeoutMs: 10_000, connectionTimeoutMs: 5_000 });
  });
  afterAll(async () => {
    await database.close();
    await client.end();
    await admin.query(`drop database ${name} with (force)`);
    await admin.end();
  });

  const entries = async (userId: string) =>
    (
      await client.query<{ entry: string }>(
        `select concat_ws(' ', sequence, kind, version, posted, state ->> 'status') as entry from journal where user_id = $1 order by sequence`,
        [userId],
      )
    ).rows.map(({ entry }) => entry);

  it('has a journal for each viewer afterwards, which begins with what they had, after their last live event', async () => {
    expect(await entries(rich)).toEqual(['8 GENESIS 2 700', '9 ORDER PAID', '10 GRANT ACTIVE']);
    expect(await entries(idle)).toEqual(['1 GENESIS 0 0']);
    const { rows } = await client.query('select journal_sequence as last from balances order by journal_sequence');
    expect(rows).toEqual([{ last: 1 }, { last: 10 }]);
  });

  it('was migrated step by step, and each step was reported', () => {
    expect(steps).toEqual(
      expect.arrayContaining(['Migration20261128151500', 'Step 1 of 4: grants and prices', 'Step 4 of 4: its first entries']),
    );
  });

  it('has grants that began when they were granted', async () => {
    const { rows } = await client.query('select count(*)::int as others from grants where starts_at <> granted_at');
    expect(rows).toEqual([{ others: 0 }]);
  });

  it('verifies, and no longer does when a transaction from before is changed', async () => {
    expect((await verifyLedger(database)).discrepancies).toEqual([]);
    await client.query(
      `set session_replication_role = replica; update transactions set created_at = created_at - interval '1 day' where version = 1`,
    );
    const { discrepancies } = await verifyLedger(database);
    expect(discrepancies.map(({ rule, found }) => [rule, found])).toEqual([
      ['JOURNAL_HAS_EACH_MOVEMENT', 'other transactions up to version 2'],
    ]);
  });
});

/** A top-up of 1,000 and a purchase from it for 300, with seven live events so far; and a viewer to whom nothing has happened. */
function history(rich: string, idle: string): string {
  const ids = {
    film: newId(),
    plan: newId(),
    version: newId(),
    order: newId(),
    topUp: newId(),
    spending: newId(),
    grant: newId(),
  };
  const quoted = Object.fromEntries(Object.entries(ids).map(([key, id]) => [key, `'${id}'::uuid`])) as typeof ids;
  return `
    insert into films (id, title, created_at, updated_at) values (${quoted.film}, 'One', now(), now());
    insert into subscriptions (id, title, description, status, created_at, updated_at)
      values (${quoted.plan}, 'Classics', '', 'ACTIVE', now(), now());
    insert into subscription_versions (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
      values (${quoted.version}, ${quoted.plan}, 1, 10, 30, 300, 'USD', 1, now());
    insert into subscription_version_films values (${quoted.version}, ${quoted.film});
    update subscriptions set current_version_id = ${quoted.version};
    insert into balances (user_id, currency, posted, version, event_sequence, created_at, updated_at)
      values ('${rich}', 'USD', 700, 2, 7, now(), now()), ('${idle}', 'USD', 0, 0, 0, now(), now());
    insert into orders (id, user_id, kind, status, amount, currency, created_at, expires_at, paid_at, return_url, stripe_session_id,
        stripe_payment_intent_id, captured_amount)
      values (${quoted.order}, '${rich}', 'TOP_UP', 'PAID', 1000, 'USD', now(), now(), now(), 'https://films.test/', 'cs_1', 'pi_1', 1000);
    with spent as (
      insert into transactions (id, user_id, kind, amount, currency, balance_after, version, counter_account, created_at, order_id,
          grant_id, stripe_payment_intent_id)
        values (${quoted.topUp}, '${rich}', 'TOP_UP', 1000, 'USD', 1000, 1, 'STRIPE', now(), ${quoted.order}, null, 'pi_1'),
          (${quoted.spending}, '${rich}', 'SPENDING', -300, 'USD', 700, 2, 'REVENUE', now(), null, ${quoted.grant}, null)
    )
    insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at, available_until,
        spending_id)
      values (${quoted.grant}, '${rich}', ${quoted.version}, 'ACTIVE', 'BALANCE', 10, 30, 'USD', now(), now() + interval '30 days',
        ${quoted.spending});
    insert into live_events (user_id, sequence, version, posted, held, transaction_id, created_at)
      values ('${rich}', 7, 2, 700, 0, ${quoted.spending}, now())`;
}
