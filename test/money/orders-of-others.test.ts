import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import { newId } from '../../src/services/ids.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';

describe('an order of a viewer', () => {
  let shop: CardShop;
  let offer: Offer;
  let viewer: Awaited<ReturnType<CardShop['viewer']>>;
  let other: Awaited<ReturnType<CardShop['viewer']>>;
  beforeAll(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
    viewer = await shop.viewer();
    other = await shop.viewer();
  });
  afterEach(async () => expect(await shop.discrepancies()).toEqual([]));
  afterAll(() => shop.close());

  const open = async (who: Caller, plan = offer): Promise<Order> => {
    const input = { subscriptionId: plan.subscriptionId, payWith: 'CARD' as const, idempotencyKey: aKey() };
    return (await shop.desk.purchases.purchase(who, input)).order as Order;
  };
  const stored = async (order: Order) => {
    const text = 'select status, stripe_session_id as session, captured_amount as captured from orders where id = $1';
    return (await shop.db.rows<{ status: string; session: string; captured: number | null }>(text, [order.id]))[0];
  };
  const sessionOf = (order: Order) => shop.stripe.checkout.sessions.retrieve(order.stripeSessionId as string);

  test.each<[string, () => Caller]>([
    ['another viewer', () => other],
    ['a service', () => ({ userId: newId(), role: 'SERVICE' })],
    ['nobody', () => ({ userId: null, role: 'PUBLIC' })],
  ])('is neither shown to nor cancelled by %s, and stays open at Stripe', async (_who, caller) => {
    const order = await open(viewer);
    expect(await shop.desk.purchases.look(caller(), order.id)).toBeNull();
    expect((await shop.desk.purchases.cancelOrder(caller(), order.id)).errors).toMatchObject([
      { code: 'NOT_FOUND', path: ['orderId'] },
    ]);
    expect(await stored(order)).toMatchObject({ status: 'OPEN' });
    expect((await sessionOf(order)).status).toBe('open');
  });

  test.each<[string, () => Caller]>([
    ['its viewer', () => viewer],
    ['an admin', () => ADMIN],
  ])('is shown to and cancelled by %s, and its session is closed', async (_who, caller) => {
    const order = await open(viewer);
    expect((await shop.desk.purchases.look(caller(), order.id))?.id).toBe(order.id);
    const { order: cancelled, errors } = await shop.desk.purchases.cancelOrder(caller(), order.id);
    expect(errors).toEqual([]);
    expect(cancelled?.status).not.toBe('OPEN');
    expect((await sessionOf(order)).status).toBe('expired');
    const again = await shop.desk.purchases.cancelOrder(caller(), order.id);
    expect(again.errors).toMatchObject([{ code: 'WRONG_STATE', state: cancelled?.status, path: ['orderId'] }]);
  });

  test.each(['not-an-id', '', newId()])('that is none is not found: %p', async (id) => {
    expect(await shop.desk.purchases.look(ADMIN, id)).toBeNull();
    expect((await shop.desk.purchases.cancelOrder(ADMIN, id)).errors).toMatchObject([{ code: 'NOT_FOUND' }]);
  });

  test('that was paid cannot be cancelled, nor when the payment was not heard of yet', async () => {
    const order = await open(viewer);
    shop.sandbox.control.pay(order.stripeSessionId as string, { card: '4242424242424242' });
    for (let time = 0; time < 2; time++) {
      const { errors } = await shop.desk.purchases.cancelOrder(viewer, order.id);
      expect(errors).toMatchObject([{ code: 'WRONG_STATE', state: 'PAID' }]);
    }
    expect((await shop.grantOf(order)).status).toBe('ACTIVE');
  });

  test('is not paid by the session of another order, whatever that says of itself', async () => {
    const order = await open(viewer);
    const free = await open(other);
    shop.sandbox.control.pay(free.stripeSessionId as string, { card: '4242424242424242' });
    const session = await sessionOf(free);
    // A session that is not the one the order is kept with: by its metadata, and by its reference.
    const strange = { ...session, id: 'cs_test_of_nobody' };
    const named = { metadata: { order_id: order.id }, client_reference_id: order.id };
    expect(await shop.desk.fulfilment.applyCheckoutSession({ ...strange, ...named } as never, null)).toBe('NOT_OURS');
    expect(await shop.desk.fulfilment.applyCheckoutSession({ ...strange, ...named, metadata: null } as never, null)).toBe(
      'NOT_OURS',
    );
    expect(await stored(order)).toMatchObject({ status: 'OPEN', session: order.stripeSessionId, captured: null });
    // The session's own order is the one that is kept with it, not the one that its metadata names.
    expect(await shop.desk.fulfilment.applyCheckoutSession({ ...session, ...named } as never, null)).toBe('APPLIED');
    expect(await stored(free)).toMatchObject({ status: 'PAID' });
    expect(await stored(order)).toMatchObject({ status: 'OPEN', captured: null });
    expect(await shop.grantOf(order)).toBeUndefined();
    await shop.desk.purchases.cancelOrder(ADMIN, order.id);
  });

  test.each<[string, object]>([
    ['in another currency', { currency: 'eur' }],
    ['without a currency', { currency: null }],
    ['of an amount that is not exact', { amount_total: 10.5 }],
    ['of less than nothing', { amount_total: -1 }],
    ['that names no payment', { payment_intent: null }],
  ])('is not paid by a session %s, and nothing of it becomes money', async (_what, change) => {
    const order = await open(viewer);
    shop.sandbox.control.pay(order.stripeSessionId as string, { card: '4242424242424242' });
    const session = await sessionOf(order);
    const before = await shop.balance(viewer);
    await expect(shop.desk.fulfilment.applyCheckoutSession({ ...session, ...change } as never, null)).rejects.toThrow(session.id);
    expect(await stored(order)).toMatchObject({ status: 'OPEN', captured: null });
    expect(await shop.grantOf(order)).toBeUndefined();
    expect(await shop.balance(viewer)).toEqual(before);
    expect(await shop.desk.fulfilment.applyCheckoutSession(session, null)).toBe('APPLIED');
    expect(await stored(order)).toMatchObject({ status: 'PAID', captured: 1_000 });
  });
});
