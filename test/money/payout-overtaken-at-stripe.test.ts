import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import { PAYOUT_LEASE_MS } from '../../src/services/refunds/payout.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';
import { StripeSays } from '../support/stripe-says.js';

/** Stripe was away when a payout was asked for; before it is back for us, somebody refunds the payment there. */
describe('a payout whose payment is refunded at Stripe meanwhile', () => {
  let shop: CardShop;
  let stripe: StripeSays;
  let viewer: Caller & { userId: string };
  beforeAll(async () => {
    shop = await CardShop.open();
    stripe = new StripeSays(shop);
  });
  beforeEach(async () => {
    viewer = await shop.viewer();
  });
  afterEach(async () => {
    expect(await shop.discrepancies()).toEqual([]);
  });
  afterAll(() => shop.close());

  async function whileStripeIsAway<Result>(work: () => Promise<Result>): Promise<Result> {
    shop.sandbox.control.addFault({ kind: 'error_500', operation: 'refunds.create' });
    const result = await work();
    shop.sandbox.control.clearFaults();
    return result;
  }
  async function payoutOf(order: Order, amount: number): Promise<string> {
    const [topUp] = await shop.db.rows<{ id: string }>("select id from transactions where kind = 'TOP_UP' and order_id = $1", [
      order.id,
    ]);
    const input = { transactionId: topUp?.id as string, amount, idempotencyKey: aKey() };
    const { refund } = await whileStripeIsAway(() => shop.desk.refunds.refundTransaction(viewer, input));
    expect(refund?.status).toBe('PENDING');
    return refund?.id as string;
  }
  async function refundInDashboard(order: Order, amount: number): Promise<void> {
    const paymentIntent = order.stripePaymentIntentId as string;
    shop.sandbox.control.refundInDashboard({ paymentIntent, amount });
    const { data } = await shop.stripe.refunds.list({ payment_intent: paymentIntent, limit: 1 });
    await shop.applyRefund(data[0]?.id as string);
  }
  const resume = async () => {
    shop.clock.advanceMs(PAYOUT_LEASE_MS * 40);
    await shop.desk.payout.resumeDue(10);
  };

  test('in full fails at once, and its money cannot be spent before it is debited', async () => {
    const order = await shop.buyByCard(viewer, await shop.desk.putOnSale(100, 3));
    const grantId = (await shop.grantOf(order)).id;
    const input = { grantId, destination: 'CARD' as const, idempotencyKey: aKey() };
    const { refund } = await whileStripeIsAway(() => shop.desk.refunds.refundGrant(ADMIN, input));
    expect(await shop.balance(viewer)).toMatchObject({ posted: 200, held: 200 });
    await refundInDashboard(order, 300);
    expect(await shop.refund(refund?.id as string)).toMatchObject({
      status: 'FAILED',
      failureReason: expect.stringContaining('payment was already refunded at Stripe'),
    });
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
    await resume();
    expect(await shop.refundedAtStripe(order)).toBe(300);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  });

  test('in part fails when what is left is less than it, and no other does', async () => {
    const order = await shop.topUp(viewer, 1_000);
    const [small, large] = [await payoutOf(order, 200), await payoutOf(order, 400)];
    await refundInDashboard(order, 700);
    expect([(await shop.refund(small)).status, (await shop.refund(large)).status]).toEqual(['PENDING', 'FAILED']);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 300, held: 200 });
    await resume();
    expect((await shop.refund(small)).status).toBe('SUCCEEDED');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 100, held: 0 });
    expect(await shop.refundedAtStripe(order)).toBe(900);
  });

  test('is made while there is room for it, and when the refund made there has failed', async () => {
    const order = await shop.topUp(viewer, 1_000);
    const payout = await payoutOf(order, 400);
    await stripe.refunded(order, 1_000, { status: 'failed', failure_reason: 'lost_or_stolen_card' });
    await refundInDashboard(order, 600);
    expect((await shop.refund(payout)).status).toBe('PENDING');
    await resume();
    expect((await shop.refund(payout)).status).toBe('SUCCEEDED');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  });

  test('by an earlier payout of ours that was abandoned fails too', async () => {
    const order = await shop.topUp(viewer, 1_000);
    const abandoned = await payoutOf(order, 700);
    shop.clock.advanceDays(8);
    expect(await shop.desk.payout.releaseStaleHolds(10)).toBe(1);
    const second = await payoutOf(order, 500);
    await stripe.refunded(order, 700, { metadata: { refund_id: abandoned } });
    expect([(await shop.refund(abandoned)).status, (await shop.refund(second)).status]).toEqual(['SUCCEEDED', 'FAILED']);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 300, held: 0 });
  });
});
