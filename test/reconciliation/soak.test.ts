import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import Fastify, { type FastifyInstance } from 'fastify';
import { stripeWebhook } from '../../src/gateway/stripe-webhook.js';
import type { FaultRule } from '../../src/sandbox/fault-rules.js';
import { verifyLedger } from '../../src/services/ledger/verify-ledger.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { type OpenOrder, ReconciliationScene } from './reconciliation-scene.js';

/** SOAK_COUNT=2000 is the whole soak; the seed makes what is tried repeatable. */
const COUNT = Number(process.env.SOAK_COUNT ?? 120);
const SEED = Number(process.env.SOAK_SEED ?? 1);
const CONCURRENCY = 8;

/** Everything that the sandbox can do wrong, at once. */
const FAULTS: FaultRule[] = [
  { kind: 'error_429', probability: 0.05 },
  { kind: 'error_500', probability: 0.04 },
  { kind: 'error_500_after_work', probability: 0.04 },
  { kind: 'timeout_before_work', probability: 0.02 },
  { kind: 'timeout_after_work', probability: 0.02 },
  { kind: 'slow', probability: 0.05, delayMs: 20 },
  { kind: 'webhook_duplicate', probability: 0.3 },
  { kind: 'webhook_delay', probability: 0.1, delayMs: 800 },
  { kind: 'webhook_reorder', probability: 0.4, delayMs: 800 },
  { kind: 'webhook_drop', probability: 0.15 },
  { kind: 'refund_pending', probability: 0.4 },
  { kind: 'refund_fails_later', probability: 0.15, afterSeconds: 3_600 },
];

/** Goes on like the machine's clock, and can be moved on. */
class RunningClock {
  private offsetMs = 0;
  now(): Date {
    return new Date(Date.now() + this.offsetMs);
  }
  advance(ms: number): void {
    this.offsetMs += ms;
  }
}

function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

describe(`A soak of ${COUNT} purchases, refunds and disputes with every fault of the sandbox (seed ${SEED})`, () => {
  let home: TestDatabase;
  let scene: ReconciliationScene;
  let server: FastifyInstance;
  const clock = new RunningClock();
  const random = randomNumbers(SEED);

  beforeAll(async () => {
    home = await testDatabase();
    scene = await ReconciliationScene.open(home.database, clock);
    server = Fastify();
    await server.register(stripeWebhook, { inbox: scene.inbox, bodyLimitBytes: 500_000 });
    const url = await server.listen({ port: 0, host: '127.0.0.1' });
    scene.sandbox.control.setWebhookUrl(`${url}/webhooks/stripe`);
    scene.sandbox.control.clearFaults(SEED);
    for (const fault of FAULTS) scene.sandbox.control.addFault(fault);
  });
  afterAll(async () => {
    await server.close();
    await scene.close();
    await home.drop();
  });

  const count = async (text: string) => Number((await home.rows<{ count: number }>(text))[0]?.count);

  /** One customer's story, as far as the faults let it come; what fails here is what a person would try again. */
  async function liveThrough(versionId: string): Promise<void> {
    const dice = { kind: random(), pay: random(), after: random(), part: random(), outcome: random() };
    const order = await insist(() =>
      dice.kind < 0.7 ? scene.openOrder('PURCHASE', 1_000, versionId) : scene.openOrder('TOP_UP', 1_000, null),
    );
    if (!order) return;
    if (dice.pay < 0.1) return;
    const method = dice.pay < 0.2 ? { method: 'delayed_success' as const } : { method: 'delayed_failure' as const };
    scene.sandbox.control.pay(order.sessionId, dice.pay < 0.3 ? method : { card: '4242424242424242' });
    if (dice.pay < 0.3) return;
    if (dice.after < 0.25) await refund(order);
    else if (dice.after < 0.4) await refundInDashboard(order, dice.part);
    else if (dice.after < 0.6) await disputeIt(order, dice.outcome);
  }

  async function refund(order: OpenOrder): Promise<void> {
    const caller = { userId: order.userId, role: 'VIEWER' as const };
    const [grant] = await home.rows<{ id: string }>('select id from grants where order_id = $1', [order.orderId]);
    if (grant) await scene.refunds.refundGrant(caller, { grantId: grant.id, idempotencyKey: `refund-${order.orderId}` });
    const [topUp] = await home.rows<{ id: string }>(
      `select id from transactions where order_id = $1 and kind = 'TOP_UP' and not exists (select from grants where order_id = $1)`,
      [order.orderId],
    );
    if (topUp) {
      const input = { transactionId: topUp.id, amount: 400, idempotencyKey: `refund-${order.orderId}` };
      await scene.refunds.refundTransaction(caller, input);
    }
  }

  async function refundInDashboard(order: OpenOrder, part: number): Promise<void> {
    const paymentIntent = await insist(() => scene.paymentOf(order));
    if (paymentIntent) scene.sandbox.control.refundInDashboard({ paymentIntent, amount: part < 0.5 ? 300 : 1_000 });
  }

  async function disputeIt(order: OpenOrder, outcome: number): Promise<void> {
    const paymentIntent = await insist(() => scene.paymentOf(order));
    if (!paymentIntent) return;
    const dispute = scene.sandbox.control.openDispute({ paymentIntent, reason: 'fraudulent' });
    if (outcome < 0.8) scene.sandbox.control.closeDispute(dispute.id, outcome < 0.4 ? 'won' : 'lost');
  }

  /** Everything that jobs do, until nothing is left to do. */
  async function settle(): Promise<void> {
    for (let round = 0; round < 40; round++) {
      await scene.sandbox.control.flushWebhooks();
      await scene.inbox.idle();
      const tried = (await scene.inbox.processDue(1_000)) + (await scene.refunds.resumeDue(1_000));
      const open = await count(`select count(*) from stripe_events where status = 'RECEIVED'`);
      const pending = await count(`select count(*) from refunds where status = 'PENDING'`);
      if (tried + open + pending === 0) return;
      clock.advance(2 * 3_600_000);
      scene.sandbox.control.advanceClock(0);
    }
  }

  test('ends with ledger, grants and Stripe agreeing to the cent', async () => {
    const versionId = await scene.newSubscription(100, 10);
    let left = COUNT;
    await Promise.all(
      Array.from({ length: CONCURRENCY }, async () => {
        while (left-- > 0) await liveThrough(versionId);
      }),
    );
    scene.sandbox.control.clearFaults();
    await settle();
    const first = await scene.reconciliation.run();
    await settle();
    const second = await scene.reconciliation.run();
    expect(first.eventsReplayed).toBeGreaterThan(0);
    expect(await scene.store.findingsOf([second.id])).toEqual([]);

    expect(await count(`select count(*) from stripe_events where status in ('FAILED', 'RECEIVED')`)).toBe(0);
    expect(await count(`select count(*) from holds where status = 'PENDING'`)).toBe(0);
    expect((await verifyLedger(home.database, { fromSnapshots: false })).discrepancies).toEqual([]);
    const ours = await count(
      `select coalesce(sum(amount), 0)::bigint as count from transactions where counter_account = 'STRIPE'`,
    );
    expect(ours).toBe(scene.sandbox.control.state().totals.usd?.balance);
    expect(ours).toBeGreaterThan(0);
  }, 600_000);
});

/** What a person does at an error: try again, a few times. */
async function insist<Result>(work: () => Promise<Result>): Promise<Result | null> {
  for (let attempt = 1; attempt <= 5; attempt++) {
    try {
      return await work();
    } catch {
      // Faults are what this is about.
    }
  }
  return null;
}
