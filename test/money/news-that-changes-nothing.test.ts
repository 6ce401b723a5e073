import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type Stripe from 'stripe';
import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { PAYOUT_LEASE_MS } from '../../src/services/refunds/payout.js';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';
import { StripeSays } from '../support/stripe-says.js';

type Viewer = Caller & { userId: string };

describe('The journal gets no entry of news that changes nothing:', () => {
  let shop: CardShop;
  let stripe: StripeSays;
  let offer: Offer;

  beforeAll(async () => {
    shop = await CardShop.open();
    stripe = new StripeSays(shop);
    offer = await shop.desk.putOnSale(100, 10);
  });
  afterAll(async () => {
    expect(await shop.discrepancies()).toEqual([]);
    await shop.close();
  });

  /** The numbers that any change of the viewer would move. */
  const numbers = async ({ userId }: Viewer) =>
    shop.db.rows(
      `select journal_sequence, version, updated_at, (select count(*)::int from journal j where j.user_id = b.user_id) as entries
       from balances b where user_id = $1`,
      [userId],
    );
  const expectNothingOf = async (viewer: Viewer, news: () => Promise<unknown>) => {
    const before = await numbers(viewer);
    expect(before).toHaveLength(1);
    shop.clock.advanceMs(1_000);
    for (let time = 0; time < 3; time++) await news();
    expect(await numbers(viewer)).toEqual(before);
  };
  const session = ({ stripeSessionId }: Order) =>
    shop.stripe.checkout.sessions.retrieve(stripeSessionId as string, { expand: ['payment_intent'] });
  const deliver = async (order: Order) => shop.desk.fulfilment.applyCheckoutSession(await session(order), null);
  const openOrder = async (viewer: Viewer) => {
    const request = { subscriptionId: offer.subscriptionId, payWith: 'CARD' as const, idempotencyKey: aKey() };
    return (await shop.desk.purchases.purchase(viewer, request)).order as Order;
  };

  it('a paid order is looked at and reported again', async () => {
    const viewer = await shop.viewer();
    const order = await shop.buyByCard(viewer, offer);
    await expectNothingOf(viewer, async () => {
      await deliver(order);
      await shop.desk.purchases.look(viewer, order.id);
    });
  });

  it('an open order is looked at, requested again, and left alone by the job', async () => {
    const viewer = await shop.viewer();
    const order = await openOrder(viewer);
    await expectNothingOf(viewer, async () => {
      await deliver(order);
      await shop.desk.purchases.look(viewer, order.id);
      expect((await openOrder(viewer)).id).toBe(order.id);
      await shop.desk.orderSessions.closeDue(10);
    });
  });

  it('an order whose payment is being processed is reported again', async () => {
    const viewer = await shop.viewer();
    const order = await openOrder(viewer);
    const processing = { ...(await session(order)), status: 'complete', payment_status: 'unpaid', payment_intent: null };
    await shop.desk.fulfilment.applyCheckoutSession(processing as Stripe.Checkout.Session, null);
    await expectNothingOf(viewer, () => shop.desk.fulfilment.applyCheckoutSession(processing as Stripe.Checkout.Session, null));
  });

  it('a cancelled order is cancelled and reported again', async () => {
    const viewer = await shop.viewer();
    const order = await openOrder(viewer);
    await shop.desk.purchases.cancelOrder(viewer, order.id);
    await expectNothingOf(viewer, async () => {
      await deliver(order);
      expect((await shop.desk.purchases.cancelOrder(viewer, order.id)).errors).toMatchObject([{ code: 'WRONG_STATE' }]);
    });
  });

  it.each(['pending', 'succeeded', 'failed'] as const)('a refund made at Stripe that is %s is reported again', async (status) => {
    const viewer = await shop.viewer();
    const refund = await stripe.refunded(await shop.buyByCard(viewer, offer), 400, { status });
    await expectNothingOf(viewer, () => stripe.refund(refund));
  });

  it('a payout that is pending at Stripe is checked again, and confirmed twice', async () => {
    const viewer = await shop.viewer();
    const order = await shop.topUp(viewer, 1_000);
    const [topUp] = await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [
      order.id,
    ]);
    shop.sandbox.control.addFault({ kind: 'timeout_after_work', operation: 'refunds.create' });
    const { refund } = await shop.desk.refunds.refundTransaction(viewer, {
      transactionId: topUp?.id as string,
      idempotencyKey: aKey(),
    });
    shop.sandbox.control.clearFaults();
    const [atStripe] = (await shop.stripe.refunds.list({ payment_intent: order.stripePaymentIntentId as string })).data;
    const pending = { ...(atStripe as Stripe.Refund), status: 'pending' };
    await stripe.refund(pending);
    await expectNothingOf(viewer, () => stripe.refund(pending));
    await stripe.refund(atStripe as Stripe.Refund);
    expect((await shop.refund(refund?.id as string)).status).toBe('SUCCEEDED');
    await expectNothingOf(viewer, async () => {
      await stripe.refund(pending);
      await stripe.refund(atStripe as Stripe.Refund);
      shop.clock.advanceMs(PAYOUT_LEASE_MS * 40);
      await shop.desk.payout.resumeDue(10);
      await shop.desk.payout.releaseStaleHolds(10);
    });
  });

  it.each([
    ['opened', 'needs_response', [-1_000]],
    ['won', 'won', [-1_000, 1_000]],
    ['lost', 'lost', [-1_000]],
    ['an inquiry', 'warning_needs_response', []],
  ] as const)('a dispute that was %s is reported again, also by older news', async (_what, status, moved) => {
    const viewer = await shop.viewer();
    const order = await shop.buyByCard(viewer, offer);
    if (status === 'won' || status === 'lost') await stripe.disputed(order, 'needs_response', [-1_000]);
    await stripe.disputed(order, status, moved);
    await expectNothingOf(viewer, async () => {
      await stripe.disputed(order, status, moved);
      if (status === 'won' || status === 'lost') await stripe.disputed(order, 'under_review', [-1_000]);
    });
  });

  it('keys are used again', async () => {
    const viewer = await shop.viewer(1_000);
    const key = aKey();
    const { grant } = await shop.buy(viewer, offer, key);
    const refund = { grantId: grant?.id as string, idempotencyKey: aKey() };
    await shop.desk.refunds.refundGrant(viewer, refund);
    await expectNothingOf(viewer, async () => {
      expect((await shop.buy(viewer, offer, key)).grant?.id).toBe(grant?.id);
      expect((await shop.desk.refunds.refundGrant(viewer, refund)).errors).toEqual([]);
    });
  });
});
