import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import { PAYOUT_LEASE_MS } from '../../src/services/refunds/payout.js';
import { newEvent, newInbox, storedEvents } from '../stripe-events/scene.js';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';
import { refundOf, StripeSays } from '../support/stripe-says.js';

/** Rule 8: whose a refund at Stripe is. */
describe('a refund at Stripe that carries our metadata', () => {
  let shop: CardShop;
  let stripe: StripeSays;
  let viewer: Caller & { userId: string };
  let order: Order;
  beforeEach(async () => {
    shop = await CardShop.open();
    stripe = new StripeSays(shop);
    viewer = await shop.viewer();
    order = await shop.topUp(viewer, 1_000);
  });
  afterEach(async () => {
    expect(await shop.discrepancies()).toEqual([]);
    await shop.close();
  });

  const topUpId = async (paid: Order) =>
    (await shop.db.rows<{ id: string }>("select id from transactions where kind = 'TOP_UP' and order_id = $1", [paid.id]))[0]
      ?.id as string;
  /** A refund of 400 that Stripe has not answered for yet. */
  const unanswered = async (kind: 'error_500' | 'error_500_after_work' = 'error_500'): Promise<string> => {
    shop.sandbox.control.addFault({ kind, operation: 'refunds.create' });
    const input = { transactionId: await topUpId(order), amount: 400, idempotencyKey: aKey() };
    const { refund } = await shop.desk.refunds.refundTransaction(viewer, input);
    shop.sandbox.control.clearFaults();
    expect(refund?.status).toBe('PENDING');
    return refund?.id as string;
  };
  const abandoned = async (): Promise<string> => {
    const id = await unanswered();
    shop.clock.advanceDays(8);
    expect(await shop.desk.payout.releaseStaleHolds(10)).toBe(1);
    expect((await shop.refund(id)).status).toBe('FAILED');
    return id;
  };
  const resume = async () => {
    shop.clock.advanceMs(PAYOUT_LEASE_MS * 40);
    await shop.desk.payout.resumeDue(10);
  };
  const named = (id: string) => ({ metadata: { refund_id: id, order_id: order.id, user_id: viewer.userId } });
  const origins = async () =>
    (await shop.db.rows<{ of: string }>("select origin || ' ' || status || ' ' || amount as of from refunds order by 1")).map(
      ({ of }) => of,
    );

  test('is ours while no id is recorded, if payment and amount are', async () => {
    const id = await unanswered();
    await stripe.refunded(order, 400, named(id));
    expect((await shop.refund(id)).status).toBe('SUCCEEDED');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 600, held: 0 });
    expect(stripe.problems).toEqual([]);
  });

  test.each([
    ['the first', 0],
    ['the second', 1],
  ])('twice is ours once, and once made at Stripe and reported, whichever is heard of first: %s', async (_which, first) => {
    const id = await unanswered();
    const both = [refundOf(order, 400, named(id)), refundOf(order, 400, named(id))];
    for (const index of [first, 1 - first, first, 1 - first]) await stripe.refund(both[index] as never);
    expect(await shop.refund(id)).toMatchObject({ status: 'SUCCEEDED', stripeRefundId: both[first]?.id });
    expect(await origins()).toEqual(['REQUEST SUCCEEDED 400', 'STRIPE SUCCEEDED 400']);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 200, held: 0 });
    expect(new Set(stripe.problems)).toEqual(new Set([expect.stringContaining(`names our refund ${id} and is not it`)]));
  });

  test('and all at once with the payout is ours once', async () => {
    const id = await unanswered('error_500_after_work');
    const copy = refundOf(order, 400, named(id));
    shop.clock.advanceMs(PAYOUT_LEASE_MS * 40);
    await Promise.all([shop.desk.payout.resumeDue(10), stripe.refund(copy), shop.desk.payout.resumeDue(10), stripe.refund(copy)]);
    // Where the copy came first, the payout was over before Stripe was asked: Stripe's event brings the other one.
    const { data } = await shop.stripe.refunds.list({ payment_intent: order.stripePaymentIntentId as string });
    for (const made of data) await stripe.refund(made);
    expect(await origins()).toEqual(['REQUEST SUCCEEDED 400', 'STRIPE SUCCEEDED 400']);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 200, held: 0 });
  });

  test('but another amount is made at Stripe and reported, and our payout continues', async () => {
    const id = await unanswered();
    await stripe.refunded(order, 399, named(id));
    expect((await shop.refund(id)).status).toBe('PENDING');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 601, held: 400 });
    expect(stripe.problems).toHaveLength(1);
    await resume();
    expect((await shop.refund(id)).status).toBe('SUCCEEDED');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 201, held: 0 });
  });

  test('but is of another payment, even of another viewer, is booked there and reported', async () => {
    const other = await shop.viewer();
    const theirs = await shop.topUp(other, 500);
    const id = await unanswered();
    await stripe.refunded(theirs, 400, named(id));
    expect((await shop.refund(id)).status).toBe('PENDING');
    expect([(await shop.balance(viewer)).posted, (await shop.balance(other)).posted]).toEqual([1_000, 100]);
    expect(stripe.problems).toHaveLength(1);
    await resume();
    expect(await shop.refundedAtStripe(order)).toBe(400);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 600, held: 0 });
  });

  test('is debited when it succeeds after it was abandoned, also below zero, and shown as it is', async () => {
    const id = await abandoned();
    await shop.buy(viewer, await shop.desk.putOnSale(100, 10));
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
    const late = await stripe.refunded(order, 400, { ...named(id), status: 'pending' });
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
    await stripe.refund({ ...late, status: 'succeeded' });
    await stripe.refund({ ...late, status: 'succeeded' });
    expect(await shop.refund(id)).toMatchObject({ status: 'SUCCEEDED', stripeRefundId: late.id, failureReason: null });
    expect(await shop.balance(viewer)).toMatchObject({ posted: -400, held: 0 });
    expect(await origins()).toEqual(['REQUEST SUCCEEDED 400']);
    expect(stripe.problems).toEqual([]);
    await stripe.refund({ ...late, status: 'failed', failure_reason: 'lost_or_stolen_card' });
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  });

  test('never succeeds once Stripe has called it failed, abandoned or not', async () => {
    const id = await abandoned();
    const late = await stripe.refunded(order, 400, { ...named(id), status: 'failed' });
    await stripe.refund({ ...late, status: 'succeeded' });
    expect((await shop.refund(id)).status).toBe('FAILED');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 1_000, held: 0 });
  });

  test('gives the money of an abandoned refund of a grant once, not again by what was spent on the grant', async () => {
    const card = await shop.buyByCard(viewer, await shop.desk.putOnSale(100, 10));
    shop.sandbox.control.addFault({ kind: 'error_500', operation: 'refunds.create' });
    const grantId = (await shop.grantOf(card)).id;
    const { refund } = await shop.desk.refunds.refundGrant(viewer, { grantId, idempotencyKey: aKey() });
    shop.sandbox.control.clearFaults();
    shop.clock.advanceDays(8);
    await shop.desk.payout.releaseStaleHolds(10);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 1_900, held: 0 });
    await stripe.refunded(card, 900, { metadata: { refund_id: refund?.id as string } });
    expect(await shop.balance(viewer)).toMatchObject({ posted: 1_000, held: 0 });
  });

  describe('comes by webhook', () => {
    const inboxOf = (reported: string[]) =>
      newInbox({
        database: shop.db.database,
        clock: shop.clock,
        refundsOf: () => [refundOf(order, 100, { currency: 'eur' }), refundOf(order, 100)],
        onReport: (problem) => reported.push(problem),
      });
    const receive = async (type: string, object: object) => {
      const reported: string[] = [];
      const inbox = inboxOf(reported);
      const stored = await inbox.store(newEvent(type, object));
      const outcome = await inbox.process(stored?.id as string);
      await inbox.close();
      const kept = (await storedEvents(shop.db.database)).find(({ id }) => id === stored?.id);
      return { outcome, reported, kept };
    };

    test('in another currency: kept FAILED at once, with the reason, and never money', async () => {
      const { outcome, reported, kept } = await receive('refund.created', refundOf(order, 100, { currency: 'eur' }));
      expect(outcome).toBe('FAILED');
      expect(kept).toMatchObject({ status: 'FAILED', attempts: 1, nextAttemptAt: null });
      expect(kept?.lastError).toMatch(/is in EUR, its order .* in USD: not booked/);
      expect(reported).toEqual([kept?.lastError]);
      expect((await shop.balance(viewer)).posted).toBe(1_000);
      expect(await origins()).toEqual([]);
    });

    test('in another currency beside one in ours: that one is booked all the same', async () => {
      const charge = { object: 'charge', id: 'ch_1', payment_intent: order.stripePaymentIntentId };
      const { outcome, kept } = await receive('charge.refunded', charge);
      expect([outcome, kept?.status]).toEqual(['FAILED', 'FAILED']);
      expect((await shop.balance(viewer)).posted).toBe(900);
    });

    test('without being ours: booked, and kept with the reason', async () => {
      const id = await unanswered();
      const { outcome, reported, kept } = await receive('refund.created', refundOf(order, 399, named(id)));
      expect([outcome, kept?.status]).toEqual(['PROCESSED', 'PROCESSED']);
      expect(kept?.lastError).toContain(`names our refund ${id}`);
      expect(reported).toEqual([kept?.lastError]);
    });

    test('of a payment that is none of ours, but names an order of ours: FAILED at once, not after all attempts', async () => {
      const stray = { ...refundOf(order, 100, { metadata: { order_id: order.id } }), payment_intent: 'pi_of_somebody' };
      const { outcome, kept } = await receive('refund.created', stray);
      expect(outcome).toBe('FAILED');
      expect(kept?.lastError).toContain('names one of our orders, which the payment pi_of_somebody did not pay');
    });
  });
});
