import { spawn } from 'node:child_process';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { PAYOUT_LEASE_MS } from '../../src/services/refunds/payout.js';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';
import { until } from '../support/until.js';

type Task =
  | { do: 'refundGrant'; input: { grantId: string; idempotencyKey: string } }
  | { do: 'purchase'; input: { subscriptionId: string; payWith: 'CARD'; returnUrl: string; idempotencyKey: string } }
  | { do: 'look' | 'cancelOrder'; orderId: string }
  | { do: 'closeDue' };
/** Later than any process gets. */
const NEVER = 1_000;
type Moment = 'before' | 'after';
/** `npm run killed` kills before and after every step. */
const AT_EVERY_STEP = process.env.KILL_AT_EVERY_STEP === 'true';
const MOMENTS: readonly Moment[] = AT_EVERY_STEP ? ['before', 'after'] : ['after'];
/** The suite kills at this many steps of each scenario, drawn by the seed: KILL_SEED draws others. */
const SAMPLE_COUNT = 3;
const SEED = Number(process.env.KILL_SEED ?? 1);

/**
 * The numbers of the steps to kill at, the first being 1. What a transaction has written is gone with its process, however many
 * statements there were, and a read leaves nothing: the sample is of the last statement of each transaction, each commit, each write
 * outside of a transaction and each call to Stripe.
 */
function stepsToKillAt(kinds: readonly string[]): number[] {
  const numbers = kinds.map((_, index) => index + 1);
  if (AT_EVERY_STEP) return numbers;
  const telling = numbers.filter((number) => {
    const [kind, next] = [kinds[number - 1], kinds[number]];
    return kind !== 'begin' && kind !== 'read' && !(kind === 'within' && next === 'within');
  });
  const [drawn] = fc.sample(fc.shuffledSubarray(telling, { minLength: SAMPLE_COUNT, maxLength: SAMPLE_COUNT }), {
    numRuns: 1,
    seed: SEED,
  });
  return [...(drawn as number[])].sort((left, right) => left - right);
}

/** The least that a scenario of as many telling steps must have killed. A run may need fewer steps than the first one. */
const leastKills = (telling: number) => (AT_EVERY_STEP ? telling : SAMPLE_COUNT - 1);

describe(`A process that is killed (${AT_EVERY_STEP ? 'at every step' : `at ${SAMPLE_COUNT} steps, seed ${SEED}`})`, () => {
  let shop: CardShop;
  let offer: Offer;
  beforeAll(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
  });
  afterAll(() => shop.close());

  /** Runs a task in a process that is killed at that step. Returns the kinds of its steps; null when it was killed. */
  function run(step: number, when: Moment, caller: Caller, task: Task): Promise<string[] | null> {
    const given = { databaseUrl: shop.db.url, stripeUrl: shop.sandbox.url, now: shop.clock.now(), caller, task, step, when };
    const script = path.resolve('test/support/killed-at.mjs');
    const { NODE_OPTIONS: _, ...env } = process.env;
    const child = spawn(process.execPath, [script, JSON.stringify(given)], { env, stdio: ['ignore', 'pipe', 'pipe'] });
    let [printed, words] = ['', ''];
    child.stdout.on('data', (chunk) => {
      printed += chunk;
    });
    child.stderr.on('data', (chunk) => {
      words += chunk;
    });
    return new Promise((resolve, reject) => {
      child.on('close', (code, signal) => {
        if (signal === 'SIGKILL') resolve(null);
        else if (code === 0) resolve(JSON.parse(printed));
        else reject(new Error(words));
      });
    });
  }

  /** Runs a scenario once to its end, and then once for each step to kill at. Returns how many steps there are, and how often it killed. */
  async function atEachStep(scenario: (step: number, turn: number) => Promise<string[] | null>) {
    const kinds = await scenario(NEVER, 0);
    if (!kinds) throw new Error(`more than ${NEVER} steps`);
    let kills = 0;
    // A run may need fewer steps than the first one: what that had to make is there.
    for (const [turn, step] of stepsToKillAt(kinds).entries()) if (!(await scenario(step, turn))) kills++;
    return { steps: kinds.length, kills };
  }

  async function paidButNotFulfilled(viewer: Caller): Promise<Order> {
    const { order } = await shop.desk.purchases.purchase(viewer, {
      subscriptionId: offer.subscriptionId,
      payWith: 'CARD',
      idempotencyKey: aKey(),
    });
    shop.sandbox.control.pay(order?.stripeSessionId as string, { card: '4242424242424242' });
    return order as Order;
  }

  test.each(MOMENTS)(
    '%s a step of a fulfilment leaves exactly one grant once the order is looked at again',
    async (when) => {
      const { steps, kills } = await atEachStep(async (step) => {
        const viewer = await shop.viewer();
        const order = await paidButNotFulfilled(viewer);
        const ran = await run(step, when, viewer, { do: 'look', orderId: order.id });
        expect((await shop.desk.purchases.look(viewer, order.id))?.status).toBe('PAID');
        expect(await shop.db.rows('select 1 from grants where user_id = $1', [viewer.userId])).toHaveLength(1);
        expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0, version: 2 });
        return ran;
      });
      expect(steps).toBeGreaterThanOrEqual(6);
      expect(kills).toBeGreaterThanOrEqual(leastKills(3));
      expect(await shop.discrepancies()).toEqual([]);
    },
    180_000,
  );

  test.each(MOMENTS)(
    '%s a step of a payout leaves the money right in the end, with one refund at Stripe',
    async (when) => {
      const { steps, kills } = await atEachStep(async (step) => {
        const viewer = await shop.viewer();
        const order = await shop.buyByCard(viewer, offer);
        const input = { grantId: (await shop.grantOf(order)).id, idempotencyKey: aKey() };
        const ran = await run(step, when, viewer, { do: 'refundGrant', input });
        shop.clock.advanceMs(PAYOUT_LEASE_MS + 1);
        // The job comes by and the client asks again, with its key. Postgres may not have noticed yet that the process is dead: what
        // that still holds is passed over, and taken up the next time.
        await until(async () => {
          await shop.desk.payout.resumeDue(10);
          const { refund, errors } = await shop.desk.refunds.refundGrant(viewer, input);
          expect(errors).toEqual([]);
          return refund?.status === 'SUCCEEDED';
        });
        expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
        expect(await shop.refundedAtStripe(order)).toBe(900);
        return ran;
      });
      expect(steps).toBeGreaterThanOrEqual(12);
      expect(kills).toBeGreaterThanOrEqual(leastKills(6));
      expect(await shop.discrepancies()).toEqual([]);
    },
    240_000,
  );

  // After each step only: dying before a step is dying after the one before it.
  const buyAt = (returnUrl: string, idempotencyKey = aKey()) =>
    ({ subscriptionId: offer.subscriptionId, payWith: 'CARD', returnUrl, idempotencyKey }) as const;
  const opened = async (viewer: Caller, returnUrl = 'https://films.test/here') =>
    (await shop.desk.purchases.purchase(viewer, buyAt(returnUrl))).order as Order;
  const openSessions = async (viewer: Caller) =>
    (await shop.stripe.checkout.sessions.list({ limit: 100, status: 'open' })).data.filter(
      ({ metadata }) => metadata?.user_id === viewer.userId,
    );

  test('after a step of replacing a session leaves one open session of the same order once it is asked for again', async () => {
    const { steps, kills } = await atEachStep(async (step, turn) => {
      const viewer = await shop.viewer();
      const order = await opened(viewer);
      // Writing down the customer is one of the steps.
      await shop.db.rows('delete from stripe_customers where user_id = $1', [viewer.userId]);
      const input = buyAt('https://films.test/there');
      const ran = await run(step, 'after', viewer, { do: 'purchase', input });
      const next = turn % 2 ? input : buyAt('https://films.test/elsewhere');
      await run(NEVER, 'after', viewer, { do: 'purchase', input: next });
      const again = (await shop.desk.purchases.look(viewer, order.id)) as Order;
      expect(again).toMatchObject({ status: 'OPEN', returnUrl: next.returnUrl });
      expect((await openSessions(viewer)).map(({ url }) => url)).toEqual([again.checkoutUrl]);
      expect((await shop.payAtCheckout(viewer, again)).status).toBe('PAID');
      return ran;
    });
    expect(steps).toBeGreaterThanOrEqual(9);
    expect(kills).toBeGreaterThanOrEqual(leastKills(6));
    expect(await shop.discrepancies()).toEqual([]);
  }, 240_000);

  test('after a step of a cancellation leaves the order CANCELLED in the end with nothing open at Stripe, or PAID if it is paid meanwhile', async () => {
    const { steps, kills } = await atEachStep(async (step, turn) => {
      const viewer = await shop.viewer();
      const order = await opened(viewer);
      const sessionId = order.stripeSessionId as string;
      const ran = await run(step, 'after', viewer, { do: 'cancelOrder', orderId: order.id });
      const { status } = await shop.stripe.checkout.sessions.retrieve(sessionId);
      const pays = status === 'open' && turn % 2 === 0;
      if (pays) shop.sandbox.control.pay(sessionId, { card: '4242424242424242' });
      // The client asks again. Postgres may not have noticed yet that the process is dead.
      await until(async () => {
        await shop.desk.purchases.cancelOrder(viewer, order.id);
        return (await statusOf(order.id)) !== 'OPEN';
      });
      expect(await statusOf(order.id)).toBe(pays ? 'PAID' : 'CANCELLED');
      expect(await openSessions(viewer)).toEqual([]);
      return ran;
    });
    expect(steps).toBeGreaterThanOrEqual(4);
    expect(kills).toBeGreaterThanOrEqual(leastKills(3));
    expect(await shop.discrepancies()).toEqual([]);
  }, 240_000);

  const statusOf = async (id: string) =>
    (await shop.db.rows<{ status: string }>('select status from orders where id = $1', [id]))[0]?.status;

  test('after a step of a purchase that finds its order expired leaves no key with an order that the request itself closed', async () => {
    const { steps, kills } = await atEachStep(async (step) => {
      const viewer = await shop.viewer();
      const order = await opened(viewer);
      await shop.stripe.checkout.sessions.expire(order.stripeSessionId as string);
      const input = buyAt('https://films.test/here');
      const ran = await run(step, 'after', viewer, { do: 'purchase', input });
      if ((await statusOf(order.id)) === 'EXPIRED') {
        const keys = await shop.db.rows<{ key: string }>("select key from idempotency_records where result ->> 'orderId' = $1", [
          order.id,
        ]);
        expect(keys.map(({ key }) => key)).not.toContain(input.idempotencyKey);
        await run(NEVER, 'after', viewer, { do: 'purchase', input });
        expect(await openSessions(viewer)).toHaveLength(1);
      }
      return ran;
    });
    expect(steps).toBeGreaterThanOrEqual(12);
    expect(kills).toBeGreaterThanOrEqual(leastKills(6));
    expect(await shop.discrepancies()).toEqual([]);
  }, 240_000);

  test('after a step of the job that asks how orders ended leaves the next run to end a cancellation and a debit, which doubles nothing', async () => {
    // What other scenarios left open would be steps of the first run alone.
    shop.clock.advanceMs(2 * 60 * 60_000);
    await until(async () => (await shop.desk.orderSessions.closeDue(100)) === 0);
    const { steps, kills } = await atEachStep(async (step) => {
      const [canceller, payer] = [await shop.viewer(), await shop.viewer()];
      const [cancelled, debited] = [await opened(canceller), await opened(payer)];
      await shop.db.rows('update orders set cancel_requested_at = $2 where id = $1', [cancelled.id, shop.clock.now()]);
      const sessionId = debited.stripeSessionId as string;
      shop.sandbox.control.pay(sessionId, { method: 'delayed_until_settled' });
      await shop.desk.purchases.look(payer, debited.id);
      expect(await statusOf(debited.id)).toBe('PROCESSING');
      shop.sandbox.control.settle(sessionId, 'succeeded');
      shop.clock.advanceMs(2 * 60 * 60_000);
      const ran = await run(step, 'after', canceller, { do: 'closeDue' });
      shop.clock.advanceMs(2 * 60 * 60_000);
      await until(async () => {
        await shop.desk.orderSessions.closeDue(10);
        shop.clock.advanceMs(2 * 60 * 60_000);
        return (await statusOf(cancelled.id)) === 'CANCELLED' && (await statusOf(debited.id)) === 'PAID';
      });
      expect(await shop.db.rows('select 1 from grants where user_id = $1', [payer.userId])).toHaveLength(1);
      return ran;
    });
    expect(steps).toBeGreaterThanOrEqual(8);
    expect(kills).toBeGreaterThanOrEqual(leastKills(5));
    expect(await shop.discrepancies()).toEqual([]);
  }, 240_000);
});
