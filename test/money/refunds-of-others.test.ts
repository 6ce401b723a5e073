import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import { newId } from '../../src/services/ids.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';

type Viewer = Awaited<ReturnType<CardShop['viewer']>>;

describe('what is refunded', () => {
  let shop: CardShop;
  let offer: Offer;
  let viewer: Viewer;
  let other: Viewer;
  let order: Order;
  beforeAll(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
    viewer = await shop.viewer(5_000);
    other = await shop.viewer(500);
    order = await shop.topUp(viewer, 2_000);
    const { grant } = await shop.buy(viewer, offer);
    await shop.desk.refunds.refundGrant(viewer, { grantId: grant?.id as string, idempotencyKey: aKey() });
    const disputed = await shop.topUp(viewer, 700);
    const { id } = shop.sandbox.control.openDispute({
      paymentIntent: disputed.stripePaymentIntentId as string,
      reason: 'fraudulent',
    });
    await shop.desk.disputes.applyDispute(await shop.stripe.disputes.retrieve(id), null);
  });
  afterAll(() => shop.close());

  const transactionOf = async (kind: string) =>
    (await shop.db.rows<{ id: string }>('select id from transactions where kind = $1 and user_id = $2', [kind, viewer.userId]))[0]
      ?.id as string;
  const refund = (caller: Parameters<typeof shop.desk.refunds.refundTransaction>[0], transactionId: string, amount = 1) =>
    shop.desk.refunds.refundTransaction(caller, { transactionId, amount, idempotencyKey: aKey() });

  test.each(['SPENDING', 'REFUND', 'ADJUSTMENT', 'DISPUTE'])('as a transaction is never a %s', async (kind) => {
    const before = await shop.balance(viewer);
    for (const caller of [viewer, ADMIN]) {
      expect(await refund(caller, await transactionOf(kind))).toEqual({
        errors: [
          {
            code: 'NOT_REFUNDABLE',
            message: expect.any(String),
            path: ['input', 'transactionId'],
            reason: 'NOT_A_CARD_PAYMENT',
          },
        ],
      });
    }
    expect(await shop.balance(viewer)).toEqual(before);
    expect(await shop.desk.refunds.refundables([{ kind, userId: viewer.userId, orderId: order.id } as never])).toEqual([null]);
  });

  test('is never what belongs to another viewer, or to nobody', async () => {
    const topUp = await transactionOf('TOP_UP');
    for (const caller of [other, { userId: newId(), role: 'SERVICE' as const }])
      expect((await refund(caller, topUp)).errors).toMatchObject([{ code: 'NOT_FOUND', path: ['input', 'transactionId'] }]);
    for (const id of [newId(), 'not-an-id', ''])
      expect((await refund(viewer, id)).errors).toMatchObject([{ code: 'NOT_FOUND', path: ['input', 'transactionId'] }]);
    const { grant } = await shop.buy(viewer, offer);
    const refundGrant = (caller: typeof other, grantId: string) =>
      shop.desk.refunds.refundGrant(caller, { grantId, idempotencyKey: aKey() });
    for (const id of [grant?.id as string, newId(), 'not-an-id'])
      expect((await refundGrant(other, id)).errors).toMatchObject([{ code: 'NOT_FOUND', path: ['input', 'grantId'] }]);
    expect(await shop.grantStatus(grant?.id as string)).toBe('ACTIVE');
    expect(
      (await shop.desk.refunds.refundGrant(ADMIN, { grantId: grant?.id as string, idempotencyKey: aKey() })).refund,
    ).toMatchObject({ requestedBy: ADMIN.userId, status: 'SUCCEEDED' });
  });

  test('by an admin says who asked for it, and goes to the card of the viewer', async () => {
    const [topUp] = await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [
      order.id,
    ]);
    const { refund: made } = await refund(ADMIN, topUp?.id as string, 2_000);
    expect(made).toMatchObject({ amount: 2_000, userId: viewer.userId, requestedBy: ADMIN.userId, destination: 'CARD' });
    expect(await shop.refundedAtStripe(order)).toBe(2_000);
  });
});
