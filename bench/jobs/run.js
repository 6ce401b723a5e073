// How fast due grants are expired, and what that costs those who buy meanwhile. npm run bench jobs -- [grants]
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openApp } from '../../dist/src/app.js';
import { readConfig } from '../../dist/src/config/config.js';
import { drainBatches } from '../../dist/src/jobs/drain-batches.js';
import { startEmbeddedPostgres } from '../../dist/src/stores/embedded-postgres/embedded-postgres.js';
import { migrate } from '../../dist/src/stores/migrate.js';

const GRANTS = Number(process.argv.slice(2).find((argument) => /^\d+$/.test(argument)) ?? 100_000);
const GRANTS_PER_VIEWER = 5;
const BUYERS = 200;
const BUYERS_AT_ONCE = 8;
const PURCHASES_ALONE_MS = 8_000;
const BATCH = 500;

const directory = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-bench-jobs-'));
const postgres = await startEmbeddedPostgres({ dataDirectory: directory });
await migrate(postgres.url);
const app = await openApp(readConfig({ DATA_DIR: directory, LOG_LEVEL: 'silent' }), postgres.url);
const { services, database } = app;
const query = (text, values) => database.pool.query(text, values);

try {
  const { subscriptionId, versionId } = await prepareSubscription();
  const buyers = await prepareBuyers();
  await buyUntil(AbortSignal.timeout(2_000), buyers, subscriptionId);
  const alone = await buyUntil(AbortSignal.timeout(PURCHASES_ALONE_MS), buyers, subscriptionId);

  await prepareDueGrants(versionId);
  const rssBefore = process.memoryUsage.rss();
  let rssMost = rssBefore;
  const watch = setInterval(() => {
    rssMost = Math.max(rssMost, process.memoryUsage.rss());
  }, 20);
  const quiet = await expire();
  clearInterval(watch);
  const grownMiB = Math.round((rssMost - rssBefore) / 2 ** 20);

  await prepareDueGrants(versionId);
  const done = new AbortController();
  const buying = buyUntil(done.signal, buyers, subscriptionId);
  const busy = await expire();
  done.abort();
  const meanwhile = await buying;

  console.log(`${GRANTS} grants due at once, of ${GRANTS / GRANTS_PER_VIEWER} viewers, in batches of ${BATCH}`);
  console.log(`expired alone:              ${rate(quiet)} a second, memory grew by at most ${grownMiB} MiB`);
  console.log(`expired beside purchases:   ${rate(busy)} a second`);
  console.log(`purchases alone:            ${rate(alone)} a second, 99 % within ${alone.p99Ms} ms`);
  console.log(`purchases beside expiry:    ${rate(meanwhile)} a second, 99 % within ${meanwhile.p99Ms} ms`);
} finally {
  await app.close();
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
}
process.exit(0);

function rate({ count, ms }) {
  return Math.round((count * 1000) / ms);
}

async function expire() {
  const begin = performance.now();
  const count = await drainBatches((limit) => services.grants.expireDue(limit), BATCH, new AbortController().signal);
  if (count < GRANTS) throw new Error(`only ${count} of ${GRANTS} grants were expired`);
  return { count, ms: performance.now() - begin };
}

async function buyUntil(signal, buyers, subscriptionId) {
  const begin = performance.now();
  const durations = [];
  const buy = async (buyer) => {
    while (!signal.aborted) {
      const start = performance.now();
      const input = { subscriptionId, payWith: 'BALANCE', idempotencyKey: randomUUID() };
      const { errors } = await services.purchases.purchase(buyer(), input);
      if (errors.length > 0) throw new Error(errors[0].message);
      durations.push(performance.now() - start);
    }
  };
  let next = 0;
  const buyer = () => ({ userId: buyers[next++ % buyers.length], role: 'VIEWER' });
  await Promise.all(Array.from({ length: BUYERS_AT_ONCE }, () => buy(buyer)));
  durations.sort((left, right) => left - right);
  return {
    count: durations.length,
    ms: performance.now() - begin,
    p99Ms: durations[Math.floor(durations.length * 0.99)]?.toFixed(1),
  };
}

async function prepareSubscription() {
  const [filmId, subscriptionId, versionId] = [randomUUID(), randomUUID(), randomUUID()];
  await query(`insert into films (id, title, created_at, updated_at) values ($1, 'Nosferatu', now(), now())`, [filmId]);
  await query(
    `insert into subscriptions (id, title, description, status, created_at, updated_at)
     values ($1, 'Silent', '', 'ACTIVE', now(), now())`,
    [subscriptionId],
  );
  await query(
    `with version as (
       insert into subscription_versions
         (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
       values ($1, $2, 1, 1, 10, 10, 'USD', 1, now()) returning id
     ) insert into subscription_version_films (version_id, film_id) select id, $3 from version`,
    [versionId, subscriptionId, filmId],
  );
  await query('update subscriptions set current_version_id = $2 where id = $1', [subscriptionId, versionId]);
  return { subscriptionId, versionId };
}

async function prepareBuyers() {
  const admin = { userId: randomUUID(), role: 'ADMIN' };
  const buyers = Array.from({ length: BUYERS }, () => randomUUID());
  for (const userId of buyers) {
    const input = { userId, amount: 10_000_000, currency: 'USD', reason: 'bench', idempotencyKey: randomUUID() };
    const { errors } = await services.adjustments.adjust(admin, input);
    if (errors.length > 0) throw new Error(errors[0].message);
  }
  return buyers;
}

async function prepareDueGrants(versionId) {
  await query(
    `with viewer as (
       insert into balances (user_id, currency, created_at, updated_at)
       select gen_random_uuid(), 'USD', now(), now() from generate_series(1, $1::int) returning user_id
     )
     insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at, starts_at,
       available_until, text_digest, actor_id)
     select gen_random_uuid(), user_id, $2, 'ACTIVE', 'GIFT', 1, 10, 'USD', now() - interval '10 days', now() - interval '10 days', now(), 'bench', $2
     from viewer, generate_series(1, $3::int)`,
    [GRANTS / GRANTS_PER_VIEWER, versionId, GRANTS_PER_VIEWER],
  );
  await query('analyze grants');
}
