import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';

type Viewer = Awaited<ReturnType<CardShop['viewer']>>;

describe('a balance in use', () => {
  let shop: CardShop;
  let offer: Offer;
  beforeAll(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
  });
  afterEach(async () => expect(await shop.discrepancies()).toEqual([]));
  afterAll(() => shop.close());

  const adjust = (viewer: Viewer, amount: number) =>
    shop.desk.adjustments.adjust(ADMIN, {
      userId: viewer.userId,
      amount,
      currency: 'USD',
      reason: 'test',
      idempotencyKey: aKey(),
    });
  const topUpIdOf = async (order: Order) =>
    (await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [order.id]))[0]
      ?.id as string;
  const refund = async (viewer: Viewer, order: Order, amount: number) =>
    shop.desk.refunds.refundTransaction(viewer, { transactionId: await topUpIdOf(order), amount, idempotencyKey: aKey() });

  test('may lose by an adjustment all that is not held for a payout, and not a cent of what is', async () => {
    const viewer = await shop.viewer();
    const order = await shop.topUp(viewer, 1_000);
    shop.sandbox.control.addFault({ kind: 'refund_pending', count: 1 });
    expect((await refund(viewer, order, 400)).errors).toEqual([]);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 1_000, held: 400 });
    expect((await adjust(viewer, -601)).errors).toMatchObject([
      { code: 'INSUFFICIENT_FUNDS', shortfall: { amount: 1, currency: 'USD' } },
    ]);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 1_000, held: 400 });
    expect((await adjust(viewer, -600)).balance).toMatchObject({ posted: 400, held: 400 });
    expect((await adjust(viewer, -1)).errors).toMatchObject([{ code: 'INSUFFICIENT_FUNDS', shortfall: { amount: 1 } }]);
    expect((await adjust(viewer, 5)).balance).toMatchObject({ posted: 405, held: 400 });
  });

  test('may be adjusted by the largest amount either way, both bounds included, and by no more', async () => {
    const viewer = await shop.viewer();
    expect((await adjust(viewer, 10_000_000)).transaction).toMatchObject({ amount: 10_000_000 });
    expect((await adjust(viewer, -10_000_000)).transaction).toMatchObject({ amount: -10_000_000 });
    for (const amount of [10_000_001, -10_000_001]) {
      expect((await adjust(viewer, amount)).errors).toMatchObject([
        {
          code: 'AMOUNT_OUT_OF_BOUNDS',
          path: ['input', 'amount'],
          minimum: { amount: -10_000_000 },
          maximum: { amount: 10_000_000 },
        },
      ]);
    }
  });

  test('in debt may be adjusted upwards, and no further down', async () => {
    const viewer = await shop.viewer();
    const order = await shop.topUp(viewer, 1_000);
    await shop.buy(viewer, offer);
    const made = shop.sandbox.control.refundInDashboard({ paymentIntent: order.stripePaymentIntentId as string });
    await shop.applyRefund(made.id);
    expect(await shop.balance(viewer)).toMatchObject({ posted: -1_000 });
    expect((await adjust(viewer, -1)).errors).toMatchObject([{ code: 'INSUFFICIENT_FUNDS', shortfall: { amount: 1_001 } }]);
    expect((await adjust(viewer, 300)).balance).toMatchObject({ posted: -700 });
  });

  test('is topped up between the bounds, both included, in its own currency only', async () => {
    const viewer = await shop.viewer();
    const topUp = (amount: number, currency = 'USD') =>
      shop.desk.purchases.topUp(viewer, { amount, currency, idempotencyKey: aKey() });
    for (const amount of [99, 0, -100, 1_000_001, Number.MAX_SAFE_INTEGER]) {
      expect((await topUp(amount)).errors).toEqual([
        {
          code: 'AMOUNT_OUT_OF_BOUNDS',
          message: 'A top-up must be between 100 and 1000000 minor units.',
          path: ['input', 'amount'],
          minimum: { amount: 100, currency: 'USD' },
          maximum: { amount: 1_000_000, currency: 'USD' },
        },
      ]);
    }
    expect((await topUp(500, 'EUR')).errors).toMatchObject([
      { code: 'CURRENCY_MISMATCH', expected: 'USD', path: ['input', 'currency'] },
    ]);
    expect(await shop.db.rows('select from orders where user_id = $1', [viewer.userId])).toEqual([]);
    for (const amount of [100, 1_000_000]) expect((await topUp(amount)).order).toMatchObject({ amount, status: 'OPEN' });
  });

  test('keeps the order of its instants when the clock of a node is behind', async () => {
    const viewer = await shop.viewer(5_000);
    const order = await shop.topUp(viewer, 1_000);
    const back = () => shop.clock.advanceMs(-1_000);
    back();
    await adjust(viewer, 1);
    back();
    await shop.buy(viewer, offer);
    back();
    await shop.buyByCard(viewer, offer);
    back();
    shop.sandbox.control.addFault({ kind: 'refund_pending', count: 2 });
    const { refund: captured } = await refund(viewer, order, 100);
    back();
    const { refund: released } = await refund(viewer, order, 200);
    back();
    shop.sandbox.control.succeedRefund(captured?.stripeRefundId as string);
    await shop.applyRefund(captured?.stripeRefundId as string);
    back();
    shop.sandbox.control.failRefund(released?.stripeRefundId as string, 'lost_or_stolen_card');
    await shop.applyRefund(released?.stripeRefundId as string);
    const instants = async (text: string) =>
      (await shop.db.rows<{ at: Date }>(text, [viewer.userId])).map(({ at }) => at.getTime());
    const moved = await instants('select created_at as at from transactions where user_id = $1 order by version');
    const live = await instants(
      'select created_at as at from journal where user_id = $1 and version is not null order by sequence',
    );
    const held = await instants('select created_at as at from holds where user_id = $1 order by created_at');
    const [last] = await instants('select updated_at as at from balances where user_id = $1');
    expect(moved).toHaveLength(7);
    for (const sequence of [moved, live]) expect(sequence).toEqual([...sequence].sort((one, other) => one - other));
    // All of it came after the first movement, whose clock was ahead.
    for (const at of [...moved, ...live, ...held, last]) expect(at).toBeGreaterThanOrEqual(moved[0] as number);
  });
});
