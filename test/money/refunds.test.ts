import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Grant } from '../../src/entities/grant.js';
import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import { findGrant } from '../../src/services/grants/grants.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { PAYOUT_LEASE_MS } from '../../src/services/refunds/payout.js';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';

describe('refunds', () => {
  let shop: CardShop;
  let offer: Offer;
  let viewer: Caller & { userId: string };
  beforeEach(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
    viewer = await shop.viewer();
  });
  afterEach(async () => {
    expect(await shop.discrepancies()).toEqual([]);
    await shop.close();
  });

  const refundGrantOf = async (order: Awaited<ReturnType<CardShop['buyByCard']>>) =>
    shop.desk.refunds.refundGrant(viewer, { grantId: (await shop.grantOf(order)).id, idempotencyKey: aKey() });
  const resume = async () => {
    shop.clock.advanceMs(PAYOUT_LEASE_MS * 40);
    return shop.desk.payout.resumeDue(10);
  };
  const fund = async (cents: number) => {
    viewer = await shop.viewer(cents);
    return viewer;
  };
  const topUpId = async () =>
    (await shop.db.rows<{ id: string }>("select id from transactions where kind = 'TOP_UP' order by version"))[0]?.id as string;

  test('to the balance: exactly what the quote said, to the day', async () => {
    const { grant } = await shop.buy(await fund(1_000), offer);
    shop.clock.advanceDays(3);
    const [quote] = await shop.desk.refunds.quotes([grant as Grant]);
    expect(quote).toEqual({ unusedDays: 7, amount: { amount: 700, currency: 'USD' }, destination: 'BALANCE' });
    const { refund } = await shop.desk.refunds.refundGrant(viewer, { grantId: grant?.id as string, idempotencyKey: aKey() });
    expect(refund).toMatchObject({ amount: 700, status: 'SUCCEEDED', unusedDays: 7 });
    expect(await shop.balance(viewer)).toMatchObject({ posted: 700, held: 0 });
    expect(await shop.grantStatus(grant?.id as string)).toBe('REFUNDED');
  });

  test('to the card: credit, hold, Stripe, debit; the balance ends as it began', async () => {
    const order = await shop.buyByCard(viewer, offer);
    const { refund, errors } = await refundGrantOf(order);
    expect(errors).toEqual([]);
    expect(refund).toMatchObject({ status: 'SUCCEEDED', amount: 900, destination: 'CARD', unusedDays: 9 });
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
    expect(await shop.refundedAtStripe(order)).toBe(900);
    const movements = await shop.db.rows('select kind, amount::int, counter_account from transactions order by version');
    expect(movements).toEqual([
      { kind: 'TOP_UP', amount: 1000, counter_account: 'STRIPE' },
      { kind: 'SPENDING', amount: -1000, counter_account: 'REVENUE' },
      { kind: 'REFUND', amount: 900, counter_account: 'REVENUE' },
      { kind: 'REFUND', amount: -900, counter_account: 'STRIPE' },
    ]);
  });

  test('of a grant that a coupon made cheaper: the quoted share of what was paid, and the used days are kept', async () => {
    const input = { subscriptionId: offer.subscriptionId, payWith: 'CARD' as const, idempotencyKey: aKey() };
    const order = (await shop.desk.purchases.purchase(viewer, input)).order as Order;
    shop.sandbox.control.pay(order.stripeSessionId as string, { card: '4242424242424242' });
    const session = await shop.stripe.checkout.sessions.retrieve(order.stripeSessionId as string);
    await shop.desk.fulfilment.applyCheckoutSession({ ...session, amount_total: 505 }, null);
    shop.clock.advanceDays(5);
    const grant = await findGrant(shop.db.database, (await shop.grantOf(order)).id);
    expect(await shop.desk.refunds.quotes([grant as Grant])).toMatchObject([{ unusedDays: 5, amount: { amount: 252 } }]);
    expect((await refundGrantOf(order)).refund).toMatchObject({ status: 'SUCCEEDED', amount: 252, destination: 'CARD' });
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  });

  test('while Stripe says pending the money is held, and can be neither spent nor refunded again', async () => {
    shop.sandbox.control.addFault({ kind: 'refund_pending', count: 1 });
    const order = await shop.buyByCard(viewer, offer);
    const { refund } = await refundGrantOf(order);
    expect(refund?.status).toBe('PENDING');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 900, held: 900 });
    expect((await shop.buy(viewer, await shop.desk.putOnSale(1, 1))).errors[0]?.code).toBe('INSUFFICIENT_FUNDS');
    shop.sandbox.control.succeedRefund(refund?.stripeRefundId as string);
    await shop.applyRefund(refund?.stripeRefundId as string);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  });

  test('pending, then failed: the money stays in the balance', async () => {
    shop.sandbox.control.addFault({ kind: 'refund_pending', count: 1 });
    const { refund } = await refundGrantOf(await shop.buyByCard(viewer, offer));
    shop.sandbox.control.failRefund(refund?.stripeRefundId as string, 'lost_or_stolen_card');
    await shop.applyRefund(refund?.stripeRefundId as string);
    expect(await shop.refund(refund?.id as string)).toMatchObject({ status: 'FAILED', failureReason: 'lost_or_stolen_card' });
    expect(await shop.balance(viewer)).toMatchObject({ posted: 900, held: 0 });
  });

  test('succeeded, then failed days later: the money comes back into the balance', async () => {
    const { refund } = await refundGrantOf(await shop.buyByCard(viewer, offer));
    expect(refund?.status).toBe('SUCCEEDED');
    shop.clock.advanceDays(5);
    shop.sandbox.control.failRefund(refund?.stripeRefundId as string, 'expired_or_canceled_card');
    await shop.applyRefund(refund?.stripeRefundId as string);
    await shop.applyRefund(refund?.stripeRefundId as string);
    expect(await shop.refund(refund?.id as string)).toMatchObject({ status: 'FAILED' });
    expect(await shop.balance(viewer)).toMatchObject({ posted: 900, held: 0 });
  });

  test.each(['timeout_after_work', 'timeout_before_work', 'error_500', 'error_500_after_work', 'error_429'] as const)(
    'Stripe answers with %s: the refund stays PENDING, and the job ends it with one refund at Stripe',
    async (kind) => {
      shop.sandbox.control.addFault({ kind, operation: 'refunds.create' });
      const order = await shop.buyByCard(viewer, offer);
      const { refund, errors } = await refundGrantOf(order);
      expect(errors).toEqual([]);
      expect(refund?.status).toBe('PENDING');
      expect(await shop.balance(viewer)).toMatchObject({ posted: 900, held: 900 });
      shop.sandbox.control.clearFaults();
      expect(await resume()).toBe(1);
      expect((await shop.refund(refund?.id as string)).status).toBe('SUCCEEDED');
      expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
      expect(await shop.refundedAtStripe(order)).toBe(900);
      expect(await shop.desk.payout.resumeDue(10)).toBe(0);
    },
  );

  test('a payout that Stripe does not have when its hold expires is abandoned, and the money can be spent again', async () => {
    shop.sandbox.control.addFault({ kind: 'error_500', operation: 'refunds.create' });
    const order = await shop.buyByCard(viewer, offer);
    const { refund } = await refundGrantOf(order);
    shop.clock.advanceDays(6);
    await shop.desk.payout.resumeDue(10);
    expect((await shop.refund(refund?.id as string)).status).toBe('PENDING');
    expect(await shop.desk.payout.releaseStaleHolds(10)).toBe(0);
    shop.clock.advanceDays(2);
    shop.sandbox.control.clearFaults();
    expect(await shop.desk.payout.resumeDue(10)).toBe(0);
    expect(await shop.desk.payout.releaseStaleHolds(10)).toBe(1);
    expect((await shop.refund(refund?.id as string)).status).toBe('FAILED');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 900, held: 0 });
    expect(await shop.refundedAtStripe(order)).toBe(0);
  });

  test('a payout that Stripe made is captured, however late that is seen', async () => {
    shop.sandbox.control.addFault({ kind: 'error_500_after_work', operation: 'refunds.create' });
    const order = await shop.buyByCard(viewer, offer);
    const { refund } = await refundGrantOf(order);
    shop.clock.advanceDays(8);
    shop.sandbox.control.clearFaults();
    await shop.desk.payout.releaseStaleHolds(10);
    expect((await shop.refund(refund?.id as string)).status).toBe('SUCCEEDED');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  });

  test('a stale hold stays while Stripe does not say whether it made the payout', async () => {
    shop.sandbox.control.addFault({ kind: 'error_500', operation: 'refunds.create' });
    const { refund } = await refundGrantOf(await shop.buyByCard(viewer, offer));
    shop.clock.advanceDays(8);
    shop.sandbox.control.clearFaults();
    shop.sandbox.control.addFault({ kind: 'error_500', operation: 'refunds.list' });
    expect(await shop.desk.payout.releaseStaleHolds(10)).toBe(1);
    expect((await shop.refund(refund?.id as string)).status).toBe('PENDING');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 900, held: 900 });
    shop.sandbox.control.clearFaults();
    shop.clock.advanceDays(1);
    expect(await shop.desk.payout.releaseStaleHolds(10)).toBe(1);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 900, held: 0 });
  });

  test('Stripe refuses permanently: the hold is released and the refund says why', async () => {
    const order = await shop.buyByCard(viewer, offer);
    shop.sandbox.control.refundInDashboard({ paymentIntent: order.stripePaymentIntentId as string }); // we do not know yet
    const { refund } = await refundGrantOf(order);
    expect(refund?.status).toBe('FAILED');
    expect(refund?.failureReason).toMatch(/refunded/i);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 900, held: 0 });
  });

  test('a top-up is refunded in parts until it is used up', async () => {
    const order = await shop.topUp(viewer, 2_000);
    const transactionId = await topUpId();
    const refund = (amount?: number) =>
      shop.desk.refunds.refundTransaction(viewer, { transactionId, amount: amount ?? null, idempotencyKey: aKey() });
    expect((await refund(700)).errors).toEqual([]);
    expect((await refund(1_400)).errors[0]).toMatchObject({ code: 'AMOUNT_OUT_OF_BOUNDS', maximum: { amount: 1_300 } });
    expect((await refund(0)).errors[0]?.code).toBe('AMOUNT_OUT_OF_BOUNDS');
    expect((await refund()).refund?.amount).toBe(1_300);
    expect((await refund(1)).errors[0]).toMatchObject({ code: 'NOT_REFUNDABLE', reason: 'ALREADY_REFUNDED' });
    expect(await shop.refundedAtStripe(order)).toBe(2_000);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  });

  test('a top-up whose money was spent is refunded only as far as the balance covers it', async () => {
    await shop.topUp(viewer, 1_500);
    await shop.buy(viewer, offer);
    const transactionId = await topUpId();
    const result = await shop.desk.refunds.refundTransaction(viewer, { transactionId, amount: 501, idempotencyKey: aKey() });
    expect(result.errors[0]).toMatchObject({ code: 'INSUFFICIENT_FUNDS', shortfall: { amount: 1 } });
    expect((await shop.desk.refunds.refundTransaction(viewer, { transactionId, idempotencyKey: aKey() })).refund?.amount).toBe(
      500,
    );
  });

  test('the same key gives the same refund again, and other input a conflict', async () => {
    const order = await shop.topUp(viewer, 2_000);
    const transactionId = await topUpId();
    const input = { transactionId, amount: 100, idempotencyKey: aKey() };
    const first = await shop.desk.refunds.refundTransaction(viewer, input);
    const again = await shop.desk.refunds.refundTransaction(viewer, input);
    expect(again.refund?.id).toBe(first.refund?.id);
    expect((await shop.desk.refunds.refundTransaction(viewer, { ...input, amount: 200 })).errors[0]?.code).toBe(
      'IDEMPOTENCY_CONFLICT',
    );
    expect(await shop.refundedAtStripe(order)).toBe(100);
  });

  test("nobody refunds another viewer's things", async () => {
    await shop.topUp(viewer, 2_000);
    const other = await shop.viewer();
    const transactionId = await topUpId();
    expect((await shop.desk.refunds.refundTransaction(other, { transactionId, idempotencyKey: aKey() })).errors[0]?.code).toBe(
      'NOT_FOUND',
    );
  });

  test('a refund made in the dashboard reaches the ledger once, in any order of its news, and ends the grant', async () => {
    const order = await shop.buyByCard(viewer, offer);
    const grant = await shop.grantOf(order);
    const made = shop.sandbox.control.refundInDashboard({ paymentIntent: order.stripePaymentIntentId as string });
    const pending = { ...(await shop.stripe.refunds.retrieve(made.id)), status: 'pending' };
    await shop.applyRefund(made.id);
    await shop.desk.stripeRefunds.applyStripeRefund(pending as never, null);
    await shop.applyRefund(made.id);
    expect(await shop.grantStatus(grant.id)).toBe('REFUNDED');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  });

  test('a part refunded in the dashboard leaves the grant', async () => {
    const order = await shop.buyByCard(viewer, offer);
    const made = shop.sandbox.control.refundInDashboard({ paymentIntent: order.stripePaymentIntentId as string, amount: 300 });
    await shop.applyRefund(made.id);
    expect((await shop.grantOf(order)).status).toBe('ACTIVE');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  });

  test('a top-up that was spent and is refunded in the dashboard takes the balance below zero, and nothing else does', async () => {
    const order = await shop.topUp(viewer, 1_000);
    await shop.buy(viewer, offer);
    await shop.applyRefund(shop.sandbox.control.refundInDashboard({ paymentIntent: order.stripePaymentIntentId as string }).id);
    expect(await shop.balance(viewer)).toMatchObject({ posted: -1_000, held: 0 });
    expect((await shop.buy(viewer, await shop.desk.putOnSale(1, 1))).errors[0]?.code).toBe('INSUFFICIENT_FUNDS');
  });
});
