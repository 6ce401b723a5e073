import type { FaultRule } from '@boxoffice/stripe-sandbox/fault-rules';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ADMIN } from '../support/shop.js';
import { SECRET_KEY, SoakApp, WEBHOOK_SECRET } from './soak-app.js';
import { CARD_NUMBERS, randomNumbers, Stories } from './stories.js';

/** `npm run soak` runs 2,000 stories; the seed makes what is tried repeatable. */
const COUNT = Number(process.env.SOAK_COUNT ?? 100);
const SEED = Number(process.env.SOAK_SEED ?? 1);
const CONCURRENCY = 8;

/** Everything that the sandbox can do wrong, at once. */
const FAULTS: FaultRule[] = [
  { kind: 'error_429', probability: 0.05 },
  { kind: 'error_500', probability: 0.04 },
  { kind: 'error_500', saved: true, probability: 0.03 },
  { kind: 'error_500_after_work', probability: 0.04 },
  { kind: 'timeout_before_work', probability: 0.02 },
  { kind: 'timeout_after_work', probability: 0.02 },
  { kind: 'slow', probability: 0.05, delayMs: 20 },
  { kind: 'webhook_duplicate', probability: 0.3 },
  { kind: 'webhook_delay', probability: 0.1, delayMs: 800 },
  { kind: 'webhook_reorder', probability: 0.4, delayMs: 800 },
  { kind: 'webhook_drop', probability: 0.15 },
  { kind: 'refund_pending', probability: 0.4 },
  { kind: 'refund_fails_later', probability: 0.3, afterSeconds: 3_600 },
  { kind: 'hold_delayed_payments', probability: 0.5 },
];

describe(`A soak of ${COUNT} stories of purchases, refunds and disputes with every fault of the sandbox (seed ${SEED})`, () => {
  let app: SoakApp;
  let stories: Stories;
  const random = randomNumbers(SEED);

  beforeAll(async () => {
    app = await SoakApp.open();
    app.sandbox.control.clearFaults(SEED);
    for (const fault of FAULTS) app.sandbox.control.addFault(fault);
    stories = new Stories(app, random, await putOnSale());
  });
  afterAll(() => app.close());

  /** Plans that cost much, little, and nothing. */
  async function putOnSale(): Promise<string[]> {
    const { catalogueAdmin } = app.services;
    const { films } = await catalogueAdmin.createFilms(ADMIN, [{ title: 'A film' }]);
    const filmIds = films.map((film) => film.id);
    const ids: string[] = [];
    for (const pricePerDay of [100, 75, 0]) {
      const input = { title: `At ${pricePerDay}`, description: '', filmIds, pricePerDay, durationDays: 10 };
      const { subscription } = await catalogueAdmin.createSubscription(ADMIN, input);
      await catalogueAdmin.activateSubscription(ADMIN, subscription?.id as string);
      ids.push(subscription?.id as string);
    }
    return ids;
  }

  test('ends with ledger, grants and Stripe agreeing to the cent, and nothing left undone', async () => {
    const stopping = new AbortController();
    const worker = app.work(stopping.signal);
    let left = COUNT;
    await Promise.all(
      Array.from({ length: CONCURRENCY }, async () => {
        while (left-- > 0) await stories.liveThrough();
      }),
    );
    stopping.abort();
    await worker;
    const faults = app.sandbox.control.faults().rules;
    expect(faults.filter(({ held }) => held === 0)).toEqual([]);
    app.sandbox.control.clearFaults();
    const bank = () => stories.bankDecides();
    const before = await app.settle(bank);
    // Events about a payment whose own webhooks were all lost fail until it is reconciled.
    expect({ ...before, 'events that failed': 0 }).toEqual(nothing);

    const { reconciliation, reconciliations } = app.services;
    const first = await reconciliation.run();
    expect(first.eventsReplayed).toBeGreaterThan(0);
    expect(await app.settle(bank)).toEqual(nothing);
    const second = await reconciliation.run();
    expect(await reconciliations.findingsOf([second.id])).toEqual([]);

    const { discrepancies } = await app.services.verifyLedger();
    expect(discrepancies).toEqual([]);
    const [ours] = await app.db.rows<{ moved: number; granted: number; bought: number }>(
      `select (select coalesce(sum(amount), 0) from transactions where counter_account = 'STRIPE')::bigint as moved,
         (select count(*) from grants where paid_with = 'CARD')::int as granted,
         (select count(*) from orders where status = 'PAID' and kind = 'PURCHASE')::int as bought`,
    );
    const totals = app.sandbox.control.state().totals.usd;
    expect(ours?.moved).toBe(totals?.balance);
    expect(ours?.granted).toBe(ours?.bought);
    expect(ours?.bought).toBe(await purchasesPaidAtStripe());
    if (process.env.SOAK_COUNT) print({ stories: stories.counts, faults, before, first, totals });
  }, 3_600_000);

  test('no secret and no card number appears in any log line or stored error', async () => {
    const errors = await app.db.rows<{ text: string }>(
      `select last_error as text from stripe_events where last_error is not null
       union all select last_error from refunds where last_error is not null
       union all select failure_reason from refunds where failure_reason is not null
       union all select stripe_sync_error from subscriptions where stripe_sync_error is not null
       union all select detail from reconciliation_findings`,
    );
    const texts = [...app.log, ...errors.map(({ text }) => text), ...app.jobFailures];
    expect(texts.length).toBeGreaterThan(0);
    for (const secret of [SECRET_KEY, WEBHOOK_SECRET, ...CARD_NUMBERS]) {
      expect(texts.filter((text) => text.includes(secret))).toEqual([]);
    }
  });

  async function purchasesPaidAtStripe(): Promise<number> {
    let count = 0;
    for await (const session of app.stripe.checkout.sessions.list({ limit: 100 })) {
      const paid = session.status === 'complete' && session.payment_status !== 'unpaid';
      if (paid && session.metadata?.order_kind === 'PURCHASE') count++;
    }
    return count;
  }
});

const nothing = {
  'events in progress': 0,
  'events that failed': 0,
  'refunds in progress': 0,
  holds: 0,
  'open orders': 0,
  'copies in progress': 0,
};

function print(report: object): void {
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
}
