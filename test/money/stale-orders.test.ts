import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';

const MINUTE_MS = 60_000;

describe('an order whose checkout can no longer be used does not block the next one', () => {
  let shop: CardShop;
  let offer: Offer;
  let viewer: Caller & { userId: string };
  beforeEach(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
    viewer = await shop.viewer();
  });
  afterEach(() => shop.close());

  const byCard = (idempotencyKey = aKey()) =>
    shop.desk.purchases.purchase(viewer, { subscriptionId: offer.subscriptionId, payWith: 'CARD', idempotencyKey });
  const whileStripeIsAway = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    shop.sandbox.control.addFault({ kind: 'error_500' });
    const result = await work();
    shop.sandbox.control.clearFaults();
    return result;
  };

  test('Stripe was away, and now too little of its time is left for a session: a new order is opened', async () => {
    expect((await whileStripeIsAway(() => byCard())).errors[0]?.code).toBe('PAYMENT_PROVIDER_UNAVAILABLE');
    shop.clock.advanceMs(40 * MINUTE_MS);
    const { order, errors } = await byCard();
    expect(errors).toEqual([]);
    expect(order?.checkoutUrl).toBeTruthy();
  });

  test('asked for again with its own key when it is too late for a session, it is closed, and a new key opens another', async () => {
    const key = aKey();
    expect((await whileStripeIsAway(() => byCard(key))).errors[0]?.code).toBe('PAYMENT_PROVIDER_UNAVAILABLE');
    shop.clock.advanceMs(31 * MINUTE_MS);
    const { order, errors } = await byCard(key);
    expect(errors).toEqual([]);
    expect(order).toMatchObject({ status: 'EXPIRED', checkoutUrl: null });
    expect((await byCard()).order).toMatchObject({ status: 'OPEN', checkoutUrl: expect.any(String) });
  });

  test('it can be cancelled when it is too late for a session, Stripe being away or not', async () => {
    await whileStripeIsAway(() => byCard());
    const [open] = await shop.db.rows<{ id: string }>("select id from orders where status = 'OPEN'");
    const cancel = () => shop.desk.purchases.cancelOrder(viewer, open?.id as string);
    shop.clock.advanceMs(31 * MINUTE_MS);
    expect(await whileStripeIsAway(cancel)).toMatchObject({ order: { status: 'CANCELLED' }, errors: [] });
    expect((await cancel()).errors[0]).toMatchObject({ code: 'WRONG_STATE', state: 'CANCELLED' });
  });

  test('its time is over and the job has put its next look off: a new order is opened', async () => {
    const { order } = await byCard();
    shop.clock.advanceMs(62 * MINUTE_MS);
    expect(await whileStripeIsAway(() => shop.desk.orderSessions.closeDue(10))).toBe(1);
    const next = await byCard();
    expect(next.errors).toEqual([]);
    expect(next.order?.id).not.toBe(order?.id);
    expect((await shop.desk.purchases.look(viewer, order?.id as string))?.status).toBe('EXPIRED');
  });

  test('it has got another session while Stripe made it one: the new one is closed, and the one that is fulfilled is given', async () => {
    const { sessions } = shop.stripe.checkout;
    const create = sessions.create.bind(sessions);
    let [kept, made] = [{ id: '', url: null as string | null }, ''];
    sessions.create = (async (...given: Parameters<typeof create>) => {
      kept = await create(given[0]);
      await shop.db.rows('update orders set stripe_session_id = $1, checkout_url = $2', [kept.id, kept.url]);
      const session = await create(...given);
      made = session.id;
      return session;
    }) as never;
    const { order, errors } = await byCard();
    expect(errors).toEqual([]);
    expect(order).toMatchObject({ stripeSessionId: kept.id, checkoutUrl: kept.url });
    expect((await sessions.retrieve(made)).status).toBe('expired');
    expect((await shop.payAtCheckout(viewer, order as Order)).status).toBe('PAID');
  });

  const closeDue = () => shop.desk.orderSessions.closeDue(10);
  const stateOf = async (id: string | undefined) =>
    (await shop.db.rows<{ status: string }>('select status from orders where id = $1', [id]))[0]?.status;

  test('a session that Stripe does not know is asked for again for a day; then it is abandoned', async () => {
    const { order } = await byCard();
    await shop.db.rows("update orders set stripe_session_id = 'cs_test_of_another_account'");
    shop.clock.advanceMs(23 * 60 * MINUTE_MS);
    expect(await closeDue()).toBe(1);
    expect(await stateOf(order?.id)).toBe('OPEN');
    shop.clock.advanceMs(62 * MINUTE_MS);
    expect(await closeDue()).toBe(1);
    expect(await stateOf(order?.id)).toBe('EXPIRED');
    shop.clock.advanceMs(62 * MINUTE_MS);
    expect(await closeDue()).toBe(0);
  });

  test('a session that Stripe never reported to us is abandoned too; when it was paid all the same, the order is fulfilled', async () => {
    shop.sandbox.control.addFault({ kind: 'timeout_after_work', operation: 'checkout.sessions.create' });
    expect((await byCard()).errors[0]?.code).toBe('PAYMENT_PROVIDER_UNAVAILABLE');
    shop.sandbox.control.clearFaults();
    const [session] = (await shop.stripe.checkout.sessions.list()).data;
    const sessionId = session?.id as string;
    shop.sandbox.control.pay(sessionId, { card: '4242424242424242' });
    shop.clock.advanceMs(25 * 60 * MINUTE_MS);
    expect(await closeDue()).toBe(1);
    const orderId = session?.client_reference_id as string;
    expect(await stateOf(orderId)).toBe('EXPIRED');
    await shop.desk.fulfilment.applyCheckoutSession(await shop.stripe.checkout.sessions.retrieve(sessionId), null);
    expect(await stateOf(orderId)).toBe('PAID');
    expect(await shop.discrepancies()).toEqual([]);
  });
});
