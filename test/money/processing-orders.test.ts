import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import type { Order } from '../../src/entities/order.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';

type Viewer = Awaited<ReturnType<CardShop['viewer']>>;

const DAY_MS = 24 * 60 * 60 * 1000;

describe('an order that the viewer has paid and the bank has not answered', () => {
  let shop: CardShop;
  let offer: Offer;
  beforeAll(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
  });
  afterAll(() => shop.close());

  const byCard = (viewer: Viewer, what = offer, idempotencyKey = aKey()) =>
    shop.desk.purchases.purchase(viewer, { subscriptionId: what.subscriptionId, payWith: 'CARD', idempotencyKey });
  const topUp = (viewer: Viewer, amount = 500, idempotencyKey = aKey()) =>
    shop.desk.purchases.topUp(viewer, { amount, currency: 'USD', idempotencyKey });
  const statusOf = async (order: Order) =>
    (await shop.db.rows<{ status: string }>('select status from orders where id = $1', [order.id]))[0]?.status;
  const sessionOf = (order: Order) => shop.stripe.checkout.sessions.retrieve(order.stripeSessionId as string);
  const payByDebit = (order: Order) =>
    shop.sandbox.control.pay(order.stripeSessionId as string, { method: 'delayed_until_settled' });
  const settle = (order: Order, outcome: 'succeeded' | 'failed') =>
    shop.sandbox.control.settle(order.stripeSessionId as string, outcome);
  const apply = async (order: Order, news?: 'ASYNC_PAYMENT_FAILED') =>
    shop.desk.fulfilment.applyCheckoutSession(await sessionOf(order), null, news);

  /** By the session alone, as the webhook says it. */
  async function processing(viewer: Viewer, what = offer): Promise<Order> {
    const { order } = await byCard(viewer, what);
    payByDebit(order as Order);
    await apply(order as Order);
    return order as Order;
  }

  test('it is PROCESSING, has no checkout any more, and becomes PAID with one grant when the bank pays', async () => {
    const viewer = await shop.viewer();
    const key = aKey();
    const { order } = (await byCard(viewer, offer, key)) as { order: Order };
    payByDebit(order);
    expect(await shop.desk.purchases.look(viewer, order.id)).toMatchObject({ status: 'PROCESSING' });
    expect(await byCard(viewer, offer, key)).toMatchObject({ order: { id: order.id, status: 'PROCESSING' }, errors: [] });
    settle(order, 'succeeded');
    expect(await shop.desk.purchases.look(viewer, order.id)).toMatchObject({ status: 'PAID', capturedAmount: 1_000 });
    expect(await shop.db.rows('select 1 from grants where order_id = $1', [order.id])).toHaveLength(1);
    expect(await shop.discrepancies()).toEqual([]);
  });

  test('the landing page, asked alone, moves it on: no webhook is needed', async () => {
    const viewer = await shop.viewer();
    const order = await processing(viewer);
    settle(order, 'failed');
    expect(await shop.desk.purchases.look(viewer, order.id)).toMatchObject({
      status: 'FAILED',
      failureReason: expect.any(String),
    });
  });

  test('the plan is not sold by card a second time meanwhile, in any version; another plan is', async () => {
    const viewer = await shop.viewer();
    const plan = await shop.desk.putOnSale(100, 10);
    const order = await processing(viewer, plan);
    const refused = { code: 'WRONG_STATE', state: 'PROCESSING', path: ['input', 'subscriptionId'] };
    const key = aKey();
    expect((await byCard(viewer, plan, key)).errors).toMatchObject([refused]);
    const newVersion = await shop.desk.reprice(plan, 200);
    expect((await byCard(viewer, newVersion)).errors).toMatchObject([refused]);
    expect((await byCard(viewer, await shop.desk.putOnSale(50, 10))).errors).toEqual([]);
    expect((await byCard(await shop.viewer(), plan)).errors).toEqual([]);
    settle(order, 'failed');
    await apply(order, 'ASYNC_PAYMENT_FAILED');
    const again = await byCard(viewer, plan, key);
    expect(again).toMatchObject({ order: { status: 'OPEN' }, errors: [] });
    expect(again.order?.id).not.toBe(order.id);
  });

  test('asking for the checkout again finds out that it was paid, although no webhook has said so', async () => {
    const viewer = await shop.viewer();
    const { order } = (await byCard(viewer)) as { order: Order };
    payByDebit(order);
    expect((await byCard(viewer)).errors).toMatchObject([{ code: 'WRONG_STATE', state: 'PROCESSING' }]);
    settle(order, 'succeeded');
    expect((await byCard(viewer)).errors).toMatchObject([{ code: 'WRONG_STATE', state: 'PROCESSING' }]);
    await apply(order);
    const next = (await byCard(viewer)).order as Order;
    expect(next).toMatchObject({ status: 'OPEN' });
    shop.sandbox.control.pay(next.stripeSessionId as string, { card: '4242424242424242' });
    const key = aKey();
    expect((await byCard(viewer, offer, key)).order).toMatchObject({ id: next.id, status: 'PAID' });
    expect((await byCard(viewer, offer, key)).order).toMatchObject({ id: next.id, status: 'PAID' });
  });

  test('a session that was expired in the dashboard is not given again: a new one is', async () => {
    const viewer = await shop.viewer();
    const { order } = (await byCard(viewer)) as { order: Order };
    await shop.stripe.checkout.sessions.expire(order.stripeSessionId as string);
    const key = aKey();
    const next = (await byCard(viewer, offer, key)).order as Order;
    expect(next.id).not.toBe(order.id);
    expect((await sessionOf(next)).status).toBe('open');
    expect(await statusOf(order)).toBe('EXPIRED');
    expect((await byCard(viewer, offer, key)).order?.id).toBe(next.id);
  });

  test('it can be bought from the balance meanwhile, and gives its own grant all the same', async () => {
    const viewer = await shop.viewer(1_000);
    const order = await processing(viewer);
    const fromBalance = await shop.buy(viewer, offer);
    expect(fromBalance.errors).toEqual([]);
    settle(order, 'succeeded');
    await apply(order);
    expect(await shop.db.rows("select 1 from grants where user_id = $1 and status = 'ACTIVE'", [viewer.userId])).toHaveLength(2);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  });

  test('it cannot be cancelled, by the viewer or an admin, even when no webhook has come', async () => {
    const viewer = await shop.viewer();
    const order = await processing(viewer);
    const { order: unheard } = (await byCard(viewer, await shop.desk.putOnSale(100, 10))) as { order: Order };
    payByDebit(unheard);
    for (const caller of [viewer, ADMIN]) {
      for (const { id } of [order, unheard]) {
        const { errors } = await shop.desk.purchases.cancelOrder(caller, id);
        expect(errors).toMatchObject([{ code: 'WRONG_STATE', state: 'PROCESSING', path: ['orderId'] }]);
        expect(errors[0]?.message).toBe("This order can't be cancelled: its payment is being processed.");
      }
    }
    settle(unheard, 'succeeded');
    await apply(unheard);
    expect(await statusOf(unheard)).toBe('PAID');
  });

  test('no job and no age ends it; each run leaves it alone for an hour, and finds out what the bank said', async () => {
    const viewer = await shop.viewer();
    const order = await processing(viewer);
    const expiresAt = (await shop.desk.purchases.look(viewer, order.id))?.expiresAt;
    let looks = 0;
    for (let day = 0; day < 12; day++) {
      shop.clock.advanceMs(DAY_MS);
      looks += await shop.desk.orderSessions.closeDue(100);
      expect(await shop.desk.orderSessions.closeDue(100)).toBe(0);
      expect(await statusOf(order)).toBe('PROCESSING');
    }
    expect(looks).toBeGreaterThanOrEqual(12);
    expect((await shop.desk.purchases.look(viewer, order.id))?.expiresAt).toEqual(expiresAt);
    settle(order, 'succeeded');
    shop.clock.advanceMs(DAY_MS);
    await shop.desk.orderSessions.closeDue(100);
    expect(await statusOf(order)).toBe('PAID');
  });

  test('a session that Stripe does not know (another account) does not end it either', async () => {
    const viewer = await shop.viewer();
    const order = await processing(viewer, await shop.desk.putOnSale(10, 10));
    await shop.db.rows("update orders set stripe_session_id = 'cs_test_unknown' where id = $1", [order.id]);
    shop.clock.advanceMs(9 * DAY_MS);
    await shop.desk.orderSessions.closeDue(100);
    expect(await statusOf(order)).toBe('PROCESSING');
    await shop.db.rows("update orders set stripe_session_id = $2, status = 'FAILED' where id = $1", [
      order.id,
      order.stripeSessionId,
    ]);
  });

  test('a plan that was archived meanwhile is granted as sold', async () => {
    const plan = await shop.desk.putOnSale(100, 10);
    const viewers = [await shop.viewer(), await shop.viewer()] as const;
    const waiting = await processing(viewers[0], plan);
    const { order: open } = (await byCard(viewers[1], plan)) as { order: Order };
    await shop.desk.setStatus(plan, 'ARCHIVED');
    expect((await byCard(viewers[1], plan)).errors).toMatchObject([{ code: 'NOT_ON_SALE', status: 'ARCHIVED' }]);
    settle(waiting, 'succeeded');
    await apply(waiting);
    await shop.payAtCheckout(viewers[1], open);
    for (const order of [waiting, open]) {
      expect(await statusOf(order)).toBe('PAID');
      expect(await shop.grantOf(order)).toMatchObject({ status: 'ACTIVE' });
    }
  });

  test('a top-up is PROCESSING too, cannot be cancelled, and does not block another', async () => {
    const viewer = await shop.viewer();
    const { order } = (await topUp(viewer)) as { order: Order };
    payByDebit(order);
    expect(await shop.desk.purchases.look(viewer, order.id)).toMatchObject({ status: 'PROCESSING' });
    expect((await shop.desk.purchases.cancelOrder(viewer, order.id)).errors).toMatchObject([{ state: 'PROCESSING' }]);
    const second = (await topUp(viewer)).order as Order;
    expect(second).toMatchObject({ status: 'OPEN' });
    expect(second.id).not.toBe(order.id);
    settle(order, 'succeeded');
    await apply(order);
    await shop.payAtCheckout(viewer, second);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 1_000 });
  });

  type News = 'completed' | 'succeeded' | 'failed';
  const stories: [string, News[], string][] = [
    ['completed, then succeeded', ['completed', 'succeeded'], 'PAID'],
    ['succeeded before completed', ['succeeded', 'completed'], 'PAID'],
    ['completed, then failed', ['completed', 'failed'], 'FAILED'],
    ['failed before completed', ['failed', 'completed'], 'FAILED'],
    ['everything twice', ['completed', 'completed', 'succeeded', 'succeeded', 'completed'], 'PAID'],
    ['a failure twice', ['completed', 'failed', 'failed', 'completed'], 'FAILED'],
  ];
  test.each(
    stories.flatMap(([name, news, end]) => [
      [name, 'after our creation was answered', news, end] as const,
      [name, 'before our creation was answered', news, end] as const,
    ]),
  )('events arrive as "%s", %s', async (_name, when, news, end) => {
    const viewer = await shop.viewer();
    const { sessions } = shop.stripe.checkout;
    const create = sessions.create.bind(sessions);
    const deliver = async (created: Stripe.Checkout.Session) => {
      shop.sandbox.control.pay(created.id, { method: 'delayed_until_settled' });
      const completed = await sessions.retrieve(created.id);
      shop.sandbox.control.settle(created.id, end === 'PAID' ? 'succeeded' : 'failed');
      const settled = await sessions.retrieve(created.id);
      for (const event of news) {
        const session = event === 'completed' ? completed : settled;
        await shop.desk.fulfilment.applyCheckoutSession(session, null, event === 'failed' ? 'ASYNC_PAYMENT_FAILED' : undefined);
      }
    };
    if (when.startsWith('before')) {
      sessions.create = (async (...given: Parameters<typeof create>) => {
        const created = await create(...given);
        sessions.create = create as never;
        await deliver(created);
        return created;
      }) as never;
    }
    const { order } = await byCard(viewer).finally(() => {
      sessions.create = create as never;
    });
    const [row] = await shop.db.rows<{ id: string; session: string }>(
      'select id, stripe_session_id as session from orders where user_id = $1 order by created_at, id limit 1',
      [viewer.userId],
    );
    if (when.startsWith('after')) await deliver(await sessions.retrieve(order?.stripeSessionId as string));
    expect(await statusOf(row as never)).toBe(end);
    const grants = await shop.db.rows('select 1 from grants where user_id = $1', [viewer.userId]);
    expect(grants).toHaveLength(end === 'PAID' ? 1 : 0);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  });

  test('the database refuses every other way of an order', async () => {
    const viewer = await shop.viewer();
    const { order } = (await byCard(viewer, await shop.desk.putOnSale(10, 10))) as { order: Order };
    const move = (status: string) =>
      shop.db.rows('update orders set status = $2 where id = $1', [order.id, status]).then(
        () => 'done',
        (error: { constraint?: string }) => error.constraint,
      );
    expect(await move('LOST')).toBe('orders_status_check');
    expect(await move('PROCESSING')).toBe('done');
    for (const status of ['OPEN', 'EXPIRED', 'CANCELLED']) expect(await move(status)).toBe('orders_move_forward');
    expect(await move('FAILED')).toBe('done');
    for (const status of ['OPEN', 'PROCESSING', 'EXPIRED', 'CANCELLED']) expect(await move(status)).toBe('orders_move_forward');
    const again = `insert into orders (id, user_id, kind, status, amount, currency, version_id, created_at, expires_at, return_url)
      select gen_random_uuid(), user_id, kind, $2, amount, currency, version_id, created_at, expires_at, return_url from orders where id = $1`;
    await shop.db.rows(again, [order.id, 'PROCESSING']);
    await expect(shop.db.rows(again, [order.id, 'OPEN'])).rejects.toMatchObject({ constraint: 'orders_one_open_purchase' });
  });

  test('and after all of it the ledger adds up', async () => {
    // Some orders were moved by the tests, past the ledger.
    expect(await shop.discrepancies({ besides: ['JOURNAL_HAS_EACH_ORDER'] })).toEqual([]);
  });
});
