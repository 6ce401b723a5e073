import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';

type Viewer = Awaited<ReturnType<CardShop['viewer']>>;

const MINUTE_MS = 60_000;
const CARD = { card: '4242424242424242' };
const HERE = 'https://films.test/here';
const THERE = 'https://films.test/there?order={ORDER_ID}';

describe('the checkout session of an order', () => {
  let shop: CardShop;
  let offer: Offer;
  beforeAll(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
  });
  afterAll(() => shop.close());

  const byCard = (viewer: Viewer, returnUrl: string | null = null, idempotencyKey = aKey()) =>
    shop.desk.purchases.purchase(viewer, { subscriptionId: offer.subscriptionId, payWith: 'CARD', idempotencyKey, returnUrl });
  const opened = async (viewer: Viewer, returnUrl: string | null = null) => {
    const { order, errors } = await byCard(viewer, returnUrl);
    expect(errors).toEqual([]);
    return order as Order;
  };
  const cancel = (viewer: Viewer, { id }: Order) => shop.desk.purchases.cancelOrder(viewer, id);
  const pay = (order: Order) => shop.sandbox.control.pay(order.stripeSessionId as string, CARD);
  const ordersOf = (viewer: Viewer) =>
    shop.db.rows<{ id: string; status: string; failure: string | null }>(
      'select id, status, failure_reason as failure from orders where user_id = $1 order by created_at, id',
      [viewer.userId],
    );
  const sessionsOf = async (viewer: Viewer) =>
    (await shop.stripe.checkout.sessions.list({ limit: 100 })).data.filter(({ metadata }) => metadata?.user_id === viewer.userId);
  const openSessionsOf = async (viewer: Viewer) => (await sessionsOf(viewer)).filter(({ status }) => status === 'open');
  const grantsOf = async (viewer: Viewer) =>
    (await shop.db.rows('select 1 from grants where user_id = $1', [viewer.userId])).length;

  /** Runs `act` just before, or just after, the first of these calls to Stripe. */
  async function meanwhile<Result>(
    call: 'create' | 'expire' | 'retrieve',
    act: (id: string) => unknown,
    work: () => Promise<Result>,
    when: 'before' | 'after' = 'before',
  ): Promise<Result> {
    const sessions = shop.stripe.checkout.sessions as unknown as Record<string, (...given: unknown[]) => Promise<unknown>>;
    const original = sessions[call] as (...given: unknown[]) => Promise<unknown>;
    let done = false;
    sessions[call] = async (...given) => {
      const first = !done;
      done = true;
      if (first && when === 'before') await act(given[0] as string);
      const result = await original.apply(sessions, given);
      if (first && when === 'after') await act(given[0] as string);
      return result;
    };
    try {
      return await work();
    } finally {
      delete sessions[call];
    }
  }

  test.each(['EXPIRED', 'CANCELLED'] as const)(
    'that was stored after the order was read is expired before the order is closed as %s',
    async (status) => {
      const viewer = await shop.viewer();
      const order = await opened(viewer);
      const readBefore = { ...order, stripeSessionId: null, checkoutUrl: null };
      expect(await shop.desk.sessions.end(readBefore, status)).toMatchObject({ id: order.id, status });
      expect(await openSessionsOf(viewer)).toEqual([]);
    },
  );

  describe('with another return URL', () => {
    test('is expired first, and another is opened for the same order', async () => {
      const viewer = await shop.viewer();
      const first = await opened(viewer, HERE);
      const second = await opened(viewer, THERE);
      expect(second.id).toBe(first.id);
      expect(second.checkoutUrl).not.toBe(first.checkoutUrl);
      expect((await sessionsOf(viewer)).map(({ id, status }) => [id, status])).toEqual([
        [second.stripeSessionId, 'open'],
        [first.stripeSessionId, 'expired'],
      ]);
      const session = await shop.stripe.checkout.sessions.retrieve(second.stripeSessionId as string);
      expect(session.success_url).toBe(`https://films.test/there?order=${first.id}`);
      expect(await opened(viewer, THERE)).toEqual(second);
      // The event of the first session's end arrives: it ends nothing.
      await shop.desk.fulfilment.applyCheckoutSession(
        await shop.stripe.checkout.sessions.retrieve(first.stripeSessionId as string),
        null,
      );
      expect((await shop.payAtCheckout(viewer, second)).status).toBe('PAID');
    });

    test('a key that was used before shows the order as it is, and does not bring the old session back', async () => {
      const viewer = await shop.viewer();
      const key = aKey();
      const first = (await byCard(viewer, HERE, key)).order as Order;
      const second = await opened(viewer, THERE);
      expect((await byCard(viewer, HERE, key)).order).toEqual(second);
      expect(second.id).toBe(first.id);
    });

    test('its life begins again, and the job goes by the new one', async () => {
      const viewer = await shop.viewer();
      const first = await opened(viewer, HERE);
      shop.clock.advanceMs(50 * MINUTE_MS);
      const second = await opened(viewer, THERE);
      expect(second.expiresAt.getTime()).toBeGreaterThan(first.expiresAt.getTime() + 40 * MINUTE_MS);
      shop.clock.advanceMs(30 * MINUTE_MS);
      await shop.desk.orderSessions.closeDue(100);
      expect((await ordersOf(viewer))[0]?.status).toBe('OPEN');
      expect((await shop.payAtCheckout(viewer, second)).status).toBe('PAID');
    });

    test('when the old session is paid while it is being expired, that payment is the purchase', async () => {
      const viewer = await shop.viewer();
      const first = await opened(viewer, HERE);
      const { order, errors } = await meanwhile(
        'expire',
        () => pay(first),
        () => byCard(viewer, THERE),
      );
      expect(errors).toEqual([]);
      expect(order).toMatchObject({ id: first.id, status: 'PAID', stripeSessionId: first.stripeSessionId });
      expect(await openSessionsOf(viewer)).toEqual([]);
      expect(await grantsOf(viewer)).toBe(1);
    });

    test('when the old session is paid by a delayed method meanwhile, the request is refused as PROCESSING', async () => {
      const viewer = await shop.viewer();
      const first = await opened(viewer, HERE);
      const debit = () => shop.sandbox.control.pay(first.stripeSessionId as string, { method: 'delayed_until_settled' });
      const { errors } = await meanwhile('expire', debit, () => byCard(viewer, THERE));
      expect(errors).toMatchObject([{ code: 'WRONG_STATE', state: 'PROCESSING' }]);
      expect(await openSessionsOf(viewer)).toEqual([]);
    });

    test('a payment of the old session counts even while it is being replaced and Stripe is away', async () => {
      const viewer = await shop.viewer();
      const first = await opened(viewer, HERE);
      shop.sandbox.control.addFault({ kind: 'error_500', operation: 'checkout.sessions.expire' });
      expect((await byCard(viewer, THERE)).errors).toMatchObject([{ code: 'PAYMENT_PROVIDER_UNAVAILABLE', retryable: true }]);
      shop.sandbox.control.clearFaults();
      pay(first);
      expect(await shop.desk.purchases.look(viewer, first.id)).toMatchObject({ status: 'PAID' });
      expect(await grantsOf(viewer)).toBe(1);
    });

    test('cut off between expiring and opening, it is opened by the next request, with any return URL', async () => {
      for (const next of [HERE, THERE]) {
        const viewer = await shop.viewer();
        const first = await opened(viewer, HERE);
        shop.sandbox.control.addFault({ kind: 'error_500', operation: 'checkout.sessions.create' });
        expect((await byCard(viewer, THERE)).errors).toMatchObject([{ code: 'PAYMENT_PROVIDER_UNAVAILABLE' }]);
        shop.sandbox.control.clearFaults();
        expect(await openSessionsOf(viewer)).toEqual([]);
        const second = await opened(viewer, next);
        expect(second.id).toBe(first.id);
        const open = await openSessionsOf(viewer);
        expect(open.map(({ id }) => id)).toEqual([second.stripeSessionId]);
        expect(open[0]?.success_url).toBe(next.replace('{ORDER_ID}', first.id));
      }
    });

    test('cut off between expiring and opening, and never asked for again, the job closes it', async () => {
      const viewer = await shop.viewer();
      await opened(viewer, HERE);
      shop.sandbox.control.addFault({ kind: 'error_500', operation: 'checkout.sessions.create' });
      await byCard(viewer, THERE);
      shop.sandbox.control.clearFaults();
      shop.clock.advanceMs(62 * MINUTE_MS);
      await shop.desk.orderSessions.closeDue(100);
      expect(await ordersOf(viewer)).toMatchObject([{ status: 'EXPIRED' }]);
    });

    test('20 requests at once with two return URLs leave one open session, the one of the order', async () => {
      const viewer = await shop.viewer();
      const results = await Promise.all(Array.from({ length: 20 }, (_, index) => byCard(viewer, index % 2 ? HERE : THERE)));
      const codes = new Set(results.flatMap(({ errors }) => errors.map(({ code }) => code)));
      codes.delete('PAYMENT_PROVIDER_UNAVAILABLE'); // two at once with one key at Stripe: it says to try again
      expect([...codes]).toEqual([]);
      const last = await opened(viewer, HERE);
      expect((await openSessionsOf(viewer)).map(({ id }) => id)).toEqual([last.stripeSessionId]);
      expect(await ordersOf(viewer)).toHaveLength(1);
    });
  });

  describe('that Stripe refuses permanently', () => {
    const refused = { code: 'PAYMENT_PROVIDER_UNAVAILABLE', retryable: false };
    const whileRefusing = async <Result>(work: () => Promise<Result>): Promise<Result> => {
      shop.sandbox.control.addFault({ kind: 'error_400', operation: 'checkout.sessions.create' });
      try {
        return await work();
      } finally {
        shop.sandbox.control.clearFaults();
      }
    };

    test('closes its order as FAILED: the plan can be bought again at once, with the same key too', async () => {
      for (const sameKey of [true, false]) {
        const viewer = await shop.viewer();
        const key = aKey();
        expect((await whileRefusing(() => byCard(viewer, null, key))).errors).toMatchObject([refused]);
        expect(await ordersOf(viewer)).toMatchObject([{ status: 'FAILED', failure: expect.stringContaining('Stripe refused') }]);
        const { order, errors } = await byCard(viewer, null, sameKey ? key : aKey());
        expect(errors).toEqual([]);
        expect(order).toMatchObject({ status: 'OPEN', checkoutUrl: expect.any(String) });
        expect((await shop.payAtCheckout(viewer, order as Order)).status).toBe('PAID');
      }
    });

    test('closes the order of a top-up likewise', async () => {
      const viewer = await shop.viewer();
      const input = { amount: 700, currency: 'USD', idempotencyKey: aKey() };
      expect((await whileRefusing(() => shop.desk.purchases.topUp(viewer, input))).errors).toMatchObject([refused]);
      expect((await shop.desk.purchases.topUp(viewer, input)).order).toMatchObject({ status: 'OPEN' });
    });

    test('after a first try that found Stripe away: the key is free again', async () => {
      const viewer = await shop.viewer();
      const key = aKey();
      shop.sandbox.control.addFault({ kind: 'error_500' });
      expect((await byCard(viewer, null, key)).errors).toMatchObject([{ ...refused, retryable: true }]);
      shop.sandbox.control.clearFaults();
      expect((await whileRefusing(() => byCard(viewer, null, key))).errors).toMatchObject([refused]);
      expect(await ordersOf(viewer)).toMatchObject([{ status: 'FAILED' }]);
      expect((await byCard(viewer, null, key)).order).toMatchObject({ status: 'OPEN' });
    });

    test.each(['error_429', 'error_500', 'timeout_before_work', 'timeout_after_work'] as const)(
      'is not closed by an answer that may be another next time (%s)',
      async (kind) => {
        const viewer = await shop.viewer();
        shop.sandbox.control.addFault({ kind, operation: 'checkout.sessions.create' });
        const key = aKey();
        expect((await byCard(viewer, null, key)).errors).toMatchObject([{ ...refused, retryable: true }]);
        shop.sandbox.control.clearFaults();
        const [order] = await ordersOf(viewer);
        expect(order?.status).toBe('OPEN');
        expect((await byCard(viewer, null, key)).order).toMatchObject({ id: order?.id, status: 'OPEN' });
        expect(await openSessionsOf(viewer)).toHaveLength(1);
      },
    );

    test('when the replaced session is already gone, the order is FAILED and the keys of earlier answers keep it', async () => {
      const viewer = await shop.viewer();
      const [first, second] = [aKey(), aKey()];
      const { order } = (await byCard(viewer, HERE, first)) as { order: Order };
      expect((await whileRefusing(() => byCard(viewer, THERE, second))).errors).toMatchObject([refused]);
      expect((await byCard(viewer, HERE, first)).order).toMatchObject({ id: order.id, status: 'FAILED' });
      expect((await byCard(viewer, THERE, second)).order).toMatchObject({ status: 'OPEN' });
      expect(await openSessionsOf(viewer)).toHaveLength(1);
    });

    test.each(['open', 'paid'] as const)(
      'leaves the order to another request that had its session opened meanwhile, and %s',
      async (how) => {
        const viewer = await shop.viewer();
        const [slow, fast] = [aKey(), aKey()];
        let other: Order | undefined;
        const { order, errors } = await meanwhile(
          'create',
          async () => {
            other = (await byCard(viewer, null, fast)).order as Order;
            if (how === 'paid') await shop.payAtCheckout(viewer, other);
            shop.sandbox.control.addFault({ kind: 'error_400', operation: 'checkout.sessions.create' });
          },
          () => byCard(viewer, null, slow),
        ).finally(() => shop.sandbox.control.clearFaults());
        expect(errors).toEqual([]);
        const status = how === 'paid' ? 'PAID' : 'OPEN';
        expect(order).toMatchObject({ id: other?.id, status, stripeSessionId: other?.stripeSessionId });
        for (const key of [slow, fast]) expect((await byCard(viewer, null, key)).order).toMatchObject({ id: other?.id, status });
        expect(await ordersOf(viewer)).toMatchObject([{ status }]);
        expect(await sessionsOf(viewer)).toHaveLength(1);
      },
    );

    test('does not keep an order without a session from being cancelled', async () => {
      const viewer = await shop.viewer();
      shop.sandbox.control.addFault({ kind: 'error_500' });
      await byCard(viewer);
      shop.sandbox.control.clearFaults();
      const [order] = (await ordersOf(viewer)) as unknown as [Order];
      expect(await whileRefusing(() => cancel(viewer, order))).toMatchObject({ order: { status: 'CANCELLED' }, errors: [] });
      expect(await openSessionsOf(viewer)).toEqual([]);
    });
  });

  describe('being cancelled', () => {
    test('is expired at Stripe, and the order is CANCELLED; the plan can be bought again', async () => {
      const viewer = await shop.viewer();
      const order = await opened(viewer);
      expect(await cancel(viewer, order)).toMatchObject({ order: { status: 'CANCELLED' }, errors: [] });
      expect(await openSessionsOf(viewer)).toEqual([]);
      expect((await cancel(viewer, order)).errors).toMatchObject([{ code: 'WRONG_STATE', state: 'CANCELLED' }]);
      // The event of the session's end arrives: it changes nothing.
      await shop.desk.fulfilment.applyCheckoutSession(
        await shop.stripe.checkout.sessions.retrieve(order.stripeSessionId as string),
        null,
      );
      expect(await ordersOf(viewer)).toMatchObject([{ status: 'CANCELLED' }]);
      expect((await opened(viewer)).id).not.toBe(order.id);
    });

    test('only by its viewer and admins', async () => {
      const viewer = await shop.viewer();
      const order = await opened(viewer);
      expect((await cancel(await shop.viewer(), order)).errors).toMatchObject([{ code: 'NOT_FOUND' }]);
      expect((await ordersOf(viewer))[0]?.status).toBe('OPEN');
      expect((await openSessionsOf(viewer)).length).toBe(1);
      expect(await cancel(ADMIN as Viewer, order)).toMatchObject({ order: { status: 'CANCELLED' } });
    });

    test('and paid at the same moment: paid wins', async () => {
      const viewer = await shop.viewer();
      const order = await opened(viewer);
      const { errors } = await meanwhile(
        'expire',
        () => pay(order),
        () => cancel(viewer, order),
      );
      expect(errors).toMatchObject([{ code: 'WRONG_STATE', state: 'PAID' }]);
      expect(await grantsOf(viewer)).toBe(1);
    });

    test('the event of the expired session is quicker than the request: CANCELLED all the same', async () => {
      const viewer = await shop.viewer();
      const order = await opened(viewer);
      const deliver = async (id: string) =>
        shop.desk.fulfilment.applyCheckoutSession(await shop.stripe.checkout.sessions.retrieve(id), null);
      const result = await meanwhile('expire', deliver, () => cancel(viewer, order), 'after');
      expect(result).toMatchObject({ order: { status: 'CANCELLED' }, errors: [] });
    });

    test('while Stripe is away is done by the job, or by the next purchase', async () => {
      for (const by of ['job', 'purchase'] as const) {
        const viewer = await shop.viewer();
        const order = await opened(viewer);
        shop.sandbox.control.addFault({ kind: 'error_500' });
        expect((await cancel(viewer, order)).errors).toMatchObject([{ code: 'PAYMENT_PROVIDER_UNAVAILABLE', retryable: true }]);
        shop.sandbox.control.clearFaults();
        if (by === 'purchase') expect((await opened(viewer)).id).not.toBe(order.id);
        shop.clock.advanceMs(2 * MINUTE_MS);
        await shop.desk.orderSessions.closeDue(100);
        expect((await ordersOf(viewer))[0]).toMatchObject({ id: order.id, status: 'CANCELLED' });
        expect(await openSessionsOf(viewer)).toHaveLength(by === 'purchase' ? 1 : 0);
      }
    });

    test('an order that was paid, expired or failed says so', async () => {
      const viewer = await shop.viewer();
      const order = await shop.payAtCheckout(viewer, await opened(viewer));
      expect((await cancel(viewer, order)).errors).toMatchObject([{ code: 'WRONG_STATE', state: 'PAID' }]);
    });

    test('a payment that Stripe reports for a cancelled order all the same is fulfilled: no money is without its purchase', async () => {
      const viewer = await shop.viewer();
      const order = await opened(viewer);
      await shop.db.rows("update orders set status = 'CANCELLED', closed_at = now() where id = $1", [order.id]);
      pay(order);
      await shop.desk.fulfilment.applyCheckoutSession(
        await shop.stripe.checkout.sessions.retrieve(order.stripeSessionId as string),
        null,
      );
      expect(await ordersOf(viewer)).toMatchObject([{ status: 'PAID' }]);
      expect(await grantsOf(viewer)).toBe(1);
    });
  });

  describe('raced for real', () => {
    const ROUNDS = 12;
    /** All at once, each a little earlier or later. */
    const atOnce = (...work: (() => Promise<unknown>)[]) => Promise.all(work.map((one) => one()));

    test('cancelling, paying and the webhook end as PAID with a grant, or CANCELLED without money', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const viewer = await shop.viewer();
        const order = await opened(viewer);
        const payment = async () => {
          for (let turns = round; turns > 0; turns--) await shop.db.rows('select 1');
          try {
            pay(order);
          } catch {}
        };
        const results = await Promise.all([cancel(viewer, order), payment(), cancel(viewer, order)]);
        await shop.desk.fulfilment.applyCheckoutSession(
          await shop.stripe.checkout.sessions.retrieve(order.stripeSessionId as string),
          null,
        );
        const [{ status } = { status: '' }] = await ordersOf(viewer);
        expect(['PAID', 'CANCELLED']).toContain(status);
        expect(await grantsOf(viewer)).toBe(status === 'PAID' ? 1 : 0);
        const refusals = [results[0], results[2]].flatMap(({ errors }) => errors);
        for (const refusal of refusals) {
          // On a busy machine Stripe may answer too late.
          if (refusal.code !== 'PAYMENT_PROVIDER_UNAVAILABLE')
            expect(refusal).toMatchObject({ code: 'WRONG_STATE', state: status });
        }
      }
      expect(await shop.discrepancies()).toEqual([]);
    });

    test('asking again with another return URL, paying and the job leave one purchase and at most one open session', async () => {
      for (let round = 0; round < ROUNDS; round++) {
        const viewer = await shop.viewer();
        const order = await opened(viewer, HERE);
        if (round % 2) shop.clock.advanceMs(62 * MINUTE_MS);
        const payment = async () => {
          for (let turns = round; turns > 0; turns--) await shop.db.rows('select 1');
          try {
            pay(order);
          } catch {}
        };
        await atOnce(
          () => byCard(viewer, THERE),
          payment,
          () => shop.desk.orderSessions.closeDue(10),
          () => shop.desk.purchases.look(viewer, order.id),
          () => byCard(viewer, HERE),
        );
        await shop.desk.purchases.look(viewer, order.id);
        const orders = await ordersOf(viewer);
        const paid = orders.filter(({ status }) => status === 'PAID').length;
        expect(await grantsOf(viewer)).toBe(paid);
        const session = await shop.stripe.checkout.sessions.retrieve(order.stripeSessionId as string);
        expect(paid).toBe(session.payment_status === 'paid' ? 1 : 0);
        expect((await openSessionsOf(viewer)).length).toBeLessThanOrEqual(1);
      }
      expect(await shop.discrepancies()).toEqual([]);
    });
  });
});
