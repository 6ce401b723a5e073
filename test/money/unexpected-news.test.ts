import { startSandbox } from '@boxoffice/stripe-sandbox';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import type { Caller } from '../../src/services/caller.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { PAYOUT_LEASE_MS } from '../../src/services/refunds/payout.js';
import { openStripe, STRIPE_API_VERSION } from '../../src/stores/stripe.js';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';
import { StripeSays } from '../support/stripe-says.js';
import { testServices } from '../support/test-services.js';

describe('what Stripe is not expected to say', () => {
  let shop: CardShop;
  let offer: Offer;
  let viewer: Caller & { userId: string };
  beforeEach(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
    viewer = await shop.viewer(5_000);
  });
  afterEach(async () => {
    expect(await shop.discrepancies()).toEqual([]);
    await shop.close();
  });

  const topUpOf = async (orderId: string) =>
    (await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [orderId]))[0]
      ?.id as string;

  const refundIdOf = async (stripeRefundId: string) =>
    (await shop.db.rows<{ id: string }>('select id from refunds where stripe_refund_id = $1', [stripeRefundId]))[0]?.id as string;

  test("with another account's key no payment is known, and a payout that may have been made is not taken for refused", async () => {
    const other = await startSandbox({
      port: 0,
      clock: shop.clock,
      webhookUrl: null,
      webhookSecret: 'whsec_test',
      stateFile: null,
    });
    const stripe = openStripe({ secretKey: other.secretKey, apiUrl: other.url, timeoutMs: 1_000, attemptsCount: 1 });
    const misled = testServices({ database: shop.db.database, stripe, clock: shop.clock });
    try {
      const order = await shop.buyByCard(viewer, offer);
      shop.sandbox.control.addFault({ kind: 'timeout_after_work', operation: 'refunds.create' });
      const grantId = (await shop.grantOf(order)).id;
      const { refund } = await shop.desk.refunds.refundGrant(viewer, { grantId, idempotencyKey: aKey() });
      shop.sandbox.control.clearFaults();
      shop.clock.advanceMs(PAYOUT_LEASE_MS * 40);
      expect(await misled.payout.resumeDue(10)).toBe(1);
      expect((await shop.refund(refund?.id as string)).status).toBe('PENDING');
      expect(await shop.balance(viewer)).toMatchObject({ posted: 5_900, held: 900 });
      shop.clock.advanceMs(PAYOUT_LEASE_MS * 40);
      expect(await shop.desk.payout.resumeDue(10)).toBe(1);
      expect((await shop.refund(refund?.id as string)).status).toBe('SUCCEEDED');
    } finally {
      await other.stop();
    }
  });

  test('a 500 that Stripe keeps for a refund is waited out, with the money held, and the refund is paid once', async () => {
    const order = await shop.topUp(viewer, 1_000);
    shop.sandbox.control.addFault({ kind: 'error_500', saved: true, operation: 'refunds.create', count: 1 });
    const input = { transactionId: await topUpOf(order.id), idempotencyKey: aKey() };
    const { refund } = await shop.desk.refunds.refundTransaction(viewer, input);
    const HOUR_MS = 3_600_000;
    for (let hour = 0; hour < 24; hour += 4) {
      shop.clock.advanceMs(4 * HOUR_MS - 1);
      await shop.desk.payout.resumeDue(10);
      expect((await shop.refund(refund?.id as string)).status).toBe('PENDING');
    }
    expect(await shop.balance(viewer)).toMatchObject({ posted: 6_000, held: 1_000 });
    shop.clock.advanceMs(4 * HOUR_MS);
    await shop.desk.payout.resumeDue(10);
    expect((await shop.refund(refund?.id as string)).status).toBe('SUCCEEDED');
    expect(await shop.refundedAtStripe(order)).toBe(1_000);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 5_000, held: 0 });
  });

  test.each([
    ['stays PENDING', 500, 'last_error'],
    ['fails', 400, 'failure_reason'],
  ])('a payout that %s keeps why, without the key or card that the answer of %i names', async (_what, statusCode, column) => {
    const order = await shop.topUp(viewer, 1_000);
    const message = 'Invalid key sk_live_0123456789abcdef, secret whsec_0123456789, card 4242 4242 4242 4242';
    shop.stripe.refunds.create = () => {
      const Failure = statusCode === 500 ? Stripe.errors.StripeAPIError : Stripe.errors.StripeInvalidRequestError;
      throw new Failure({ message, statusCode, type: 'api_error' } as never);
    };
    await shop.desk.refunds.refundTransaction(viewer, { transactionId: await topUpOf(order.id), idempotencyKey: aKey() });
    const [kept] = await shop.db.rows<{ why: string }>(`select ${column} as why from refunds`);
    expect(kept?.why).toContain('Invalid key');
    expect(kept?.why).not.toMatch(/0123456789|4242/);
  });

  test('a refund made in the dashboard after one that failed is booked, in whichever order we hear of them', async () => {
    const paymentIntent = (await shop.topUp(viewer, 1_000)).stripePaymentIntentId as string;
    const failed = shop.sandbox.control.refundInDashboard({ paymentIntent });
    shop.sandbox.control.failRefund(failed.id, 'lost_or_stolen_card');
    const done = shop.sandbox.control.refundInDashboard({ paymentIntent });
    await shop.applyRefund(done.id);
    await shop.applyRefund(failed.id);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 5_000, held: 0 });
    expect((await shop.refund(await refundIdOf(failed.id))).failureReason).toBe('lost_or_stolen_card');
  });

  test('a refund that Stripe cancels without a reason keeps the status as its reason', async () => {
    const stripe = new StripeSays(shop);
    const refund = await stripe.refunded(await shop.topUp(viewer, 1_000), 400);
    await stripe.refund({ ...refund, status: 'canceled' });
    expect((await shop.refund(await refundIdOf(refund.id))).failureReason).toBe('Stripe says canceled.');
    expect(await shop.balance(viewer)).toMatchObject({ posted: 6_000, held: 0 });
  });

  test('a top-up that was charged back cannot be refunded, and is not offered for it', async () => {
    const order = await shop.topUp(viewer, 1_000);
    const paymentIntent = order.stripePaymentIntentId as string;
    const { id } = shop.sandbox.control.openDispute({ paymentIntent, reason: 'fraudulent' });
    const transactionId = await topUpOf(order.id);
    for (const outcome of [null, 'lost'] as const) {
      if (outcome) shop.sandbox.control.closeDispute(id, outcome);
      await shop.desk.disputes.applyDispute(await shop.stripe.disputes.retrieve(id), null);
      const { errors } = await shop.desk.refunds.refundTransaction(viewer, { transactionId, idempotencyKey: aKey() });
      expect(errors[0]).toMatchObject({ code: 'NOT_REFUNDABLE', reason: 'DISPUTED' });
      const topUp = { kind: 'TOP_UP', orderId: order.id, userId: viewer.userId };
      expect(await shop.desk.refunds.refundables([topUp as never])).toEqual([0]);
    }
    expect(await shop.balance(viewer)).toMatchObject({ posted: 5_000, held: 0 });
  });

  test('a dispute in another currency than its payment is not booked as if it were in the same', async () => {
    const order = await shop.topUp(viewer, 1_000);
    const paymentIntent = order.stripePaymentIntentId as string;
    const { id } = shop.sandbox.control.openDispute({ paymentIntent, reason: 'fraudulent' });
    const dispute = { ...(await shop.stripe.disputes.retrieve(id)), currency: 'jpy', amount: 150_000 };
    const problems: string[] = [];
    await shop.desk.ledger.open(async (joined) => {
      expect(await shop.desk.disputes.applyDispute(dispute, joined)).toBe('REPORTED');
      problems.push(...joined.problems);
    });
    expect(problems).toEqual([expect.stringMatching(/JPY.*USD/)]);
    expect(await shop.db.rows('select 1 from disputes')).toEqual([]);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 6_000, held: 0 });
  });

  test('a dispute that grows from its inquiry takes, and returns, the amount disputed in the end', async () => {
    const order = await shop.topUp(viewer, 1_000);
    const paymentIntent = order.stripePaymentIntentId as string;
    const { id } = shop.sandbox.control.openDispute({ paymentIntent, reason: 'fraudulent', kind: 'inquiry', amount: 400 });
    const stripeDispute = await shop.stripe.disputes.retrieve(id);
    const deliver = async (status: typeof stripeDispute.status, amount: number) => {
      await shop.desk.disputes.applyDispute({ ...stripeDispute, status, amount }, null);
      const [row] = await shop.db.rows<{ amount: number }>('select amount::int from disputes');
      return { disputed: row?.amount, posted: (await shop.balance(viewer)).posted };
    };
    expect(await deliver('warning_needs_response', 400)).toEqual({ disputed: 400, posted: 6_000 });
    expect(await deliver('warning_needs_response', 500)).toEqual({ disputed: 500, posted: 6_000 });
    expect(await deliver('needs_response', 1_000)).toEqual({ disputed: 1_000, posted: 5_000 });
    expect(await deliver('warning_needs_response', 500)).toEqual({ disputed: 1_000, posted: 5_000 });
    expect(await deliver('won', 1_000)).toEqual({ disputed: 1_000, posted: 6_000 });
  });

  test('a dispute abandoned for an unknown payment is applied when the payment is fulfilled, even if the process then dies', async () => {
    const environment = { STRIPE_EVENT_ATTEMPTS_COUNT: '1' };
    const { stripeInbox: inbox } = testServices({
      database: shop.db.database,
      stripe: shop.stripe,
      clock: shop.clock,
      environment,
    });
    const card = { subscriptionId: offer.subscriptionId, payWith: 'CARD' as const, idempotencyKey: aKey() };
    const { order } = await shop.desk.purchases.purchase(viewer, card);
    const sessionId = order?.stripeSessionId as string;
    shop.sandbox.control.pay(sessionId, { card: '4242424242424242' });
    const paymentIntent = (await shop.stripe.checkout.sessions.retrieve(sessionId)).payment_intent as string;
    const object = shop.sandbox.control.openDispute({ paymentIntent, reason: 'fraudulent' });
    const event = { id: 'evt_early', type: 'charge.dispute.created', livemode: false, api_version: STRIPE_API_VERSION };
    const stored = await inbox.store({ ...event, data: { object } } as never);
    expect(await inbox.process(stored?.id as string)).toBe('IGNORED');
    shop.desk.stripeInbox.retryWaitingEvents = () => {}; // The process dies between the fulfilment and the retry.
    await shop.desk.purchases.look(viewer, order?.id as string);
    expect(await inbox.processDue(10)).toBe(1);
    expect((await shop.grantOf(order as never)).status).toBe('SUSPENDED');
  });
});
