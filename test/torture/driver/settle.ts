import { setTimeout as pause } from 'node:timers/promises';
import { StripeFailure } from '@boxoffice/stripe-sandbox/stripe-error';
import pg from 'pg';
import type Stripe from 'stripe';
import { verifyLedger } from '../../../src/services/verification/verify-ledger.js';
import { Database } from '../../../src/stores/database.js';
import { until } from '../../support/until.js';
import type { Api } from './api.js';
import type { AppUnderTest } from './app-under-test.js';
import type { Dice } from './dice.js';
import type { LiveClients } from './live-clients.js';
import type { Reports } from './read-final-state.js';
import { readLastChanges } from './read-journal.js';
import type { Recorder } from './recorder.js';

const READY_MS = 60_000;
const SETTLE_MS = 60_000;
/** All events of a long run are compared. */
const RECONCILE_MS = 180_000;
const STREAMS_MS = 15_000;
const ROUND_MS = 150;

/** Everything that must come to an end without anybody's help; each row counts what has not. */
const UNSETTLED = `
  select 'events in progress' as name, count(*)::int from stripe_events where status = 'RECEIVED'
  union all select 'events that failed', count(*)::int from stripe_events where status = 'FAILED'
  union all select 'refunds in progress', count(*)::int from refunds where status = 'PENDING'
  union all select 'holds', count(*)::int from holds where status = 'PENDING'
  union all select 'orders that a bank decides about', count(*)::int from orders where status = 'PROCESSING'
  union all select 'cancellations', count(*)::int from orders where status = 'OPEN' and cancel_requested_at is not null`;

/** As if the time of a lease, or before the next attempt, had passed: the process that had them was killed, or has finished. */
const TIME_PASSES = [
  `update refunds set next_attempt_at = now() where status = 'PENDING' and next_attempt_at > now()`,
  `update stripe_events set next_attempt_at = now() where status = 'RECEIVED' and next_attempt_at > now()`,
  `update orders set lease_expires_at = null, expires_at = now() - interval '1 hour'
    where status = 'PROCESSING' or (status = 'OPEN' and cancel_requested_at is not null)`,
];

/**
 * As if a hold's lifetime had passed: Stripe repeats some failures for as long as it keeps the idempotency key, so that only the end of
 * the hold ends such a payout.
 */
const HOLDS_EXPIRE = `update holds set expires_at = now() where status = 'PENDING' and expires_at > now()`;
const ROUNDS_BEFORE_HOLDS_EXPIRE = 20;

interface Parts {
  readonly app: AppUnderTest;
  readonly api: Api;
  readonly stripe: Stripe;
  readonly live: LiveClients;
  readonly recorder: Recorder;
  readonly dice: Dice;
}

/** What the full verification of the ledger finds. */
async function verify(url: string) {
  const database = new Database({ url, poolSize: 2, statementTimeoutMs: READY_MS, connectionTimeoutMs: READY_MS });
  try {
    return (await verifyLedger(database)).discrepancies;
  } finally {
    await database.close();
  }
}

/**
 * Lets everything come to its end, now that nothing is disturbed any more: webhooks, payouts, what banks decide; then has the app
 * reconcile with Stripe, which finds what dropped webhooks would have reported. Returns what remains.
 */
export async function settle(parts: Parts): Promise<Reports> {
  const { app, api } = parts;
  const isReady = async () =>
    (await Promise.all([...app.gateways, app.worker].map((process) => process.isReady()))).every(Boolean);
  await until(isReady, 'every process is ready again', READY_MS);
  const client = new pg.Client({ connectionString: app.database.directUrl });
  await client.connect();
  try {
    await settleRounds(parts, client);
    await reconcile(api, client);
    const unsettled = await settleRounds(parts, client);
    const differences = await reconcile(api, client);
    const discrepancies = await verify(app.database.directUrl);
    const last = await readLastChanges(client);
    // Those that miss something show it in the history.
    await until(() => parts.live.haveAll(last), 'every stream has the last change', STREAMS_MS).catch(() => undefined);
    return { unsettled, differences, discrepancies: discrepancies.map((found) => JSON.stringify(found)) };
  } finally {
    await client.end();
  }
}

async function settleRounds({ app, stripe, recorder, dice }: Parts, client: pg.Client): Promise<string[]> {
  const deadline = Date.now() + SETTLE_MS;
  let quietRounds = 0;
  for (let round = 0; ; round++) {
    await app.sandbox.control.flushWebhooks(5_000);
    const decided = await banksDecide(app, stripe, recorder, dice);
    for (const statement of TIME_PASSES) await client.query(statement);
    if (round >= ROUNDS_BEFORE_HOLDS_EXPIRE) await client.query(HOLDS_EXPIRE);
    const { rows } = await client.query<{ name: string; count: number }>(UNSETTLED);
    const left = rows.filter(({ count }) => count > 0).map(({ name, count }) => `${count} ${name}`);
    // Failed events wait for a payment that only reconciliation brings.
    const isQuiet = decided === 0 && left.every((text) => text.endsWith('events that failed'));
    quietRounds = isQuiet ? quietRounds + 1 : 0;
    if (quietRounds > 1 || Date.now() > deadline) return left;
    await pause(ROUND_MS);
  }
}

/** Pending refunds succeed or fail. Returns how many. */
async function banksDecide(app: AppUnderTest, stripe: Stripe, recorder: Recorder, dice: Dice): Promise<number> {
  let decided = 0;
  for await (const { id, status } of stripe.refunds.list({ limit: 100 })) {
    if (status !== 'pending') continue;
    const succeeds = dice.happens(0.7);
    recorder.note({ type: 'stripe', viewer: '', act: 'refundOutcome', subject: id, detail: succeeds ? 'succeeded' : 'failed' });
    try {
      if (succeeds) app.sandbox.control.succeedRefund(id);
      else app.sandbox.control.failRefund(id, 'expired_or_canceled_card');
      decided++;
    } catch (error) {
      if (!(error instanceof StripeFailure)) throw error;
    }
  }
  return decided;
}

/** One run of the job; returns what it could not repair. */
async function reconcile(api: Api, client: pg.Client): Promise<string[]> {
  const before = await client.query<{ now: Date }>('select now()');
  const query = 'mutation { runJob(name: "reconcile") { errors { message } } }';
  const { runJob } = await api.admin<{ runJob: { errors: object[] } }>(query, {});
  if (runJob.errors.length > 0) throw new Error(`the reconciliation did not start: ${JSON.stringify(runJob.errors)}`);
  let id: string | undefined;
  await until(
    async () => {
      const text = 'select id from reconciliations where started_at >= $1 and finished_at is not null';
      id = (await client.query<{ id: string }>(text, [before.rows[0]?.now])).rows[0]?.id;
      return id !== undefined;
    },
    'the reconciliation has finished',
    RECONCILE_MS,
  );
  const open = 'select kind, detail, stripe_id from reconciliation_findings where reconciliation_id = $1 and not repaired';
  return (await client.query(open, [id])).rows.map((row) => `Reconciliation: ${JSON.stringify(row)}`);
}
