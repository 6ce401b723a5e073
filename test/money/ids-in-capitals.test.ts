import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';

/** RFC 9562: a UUID is read whatever its letters' case. */
describe('ids that a client writes in capitals', () => {
  let shop: CardShop;
  let offer: Offer;
  beforeAll(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(10, 10);
  });
  afterAll(() => shop.close());

  test('name the same plan, grant, order and viewer in every change of money', async () => {
    const { purchases, refunds, grants, adjustments } = shop.desk;
    const viewer = await shop.viewer(1_000);
    const subscriptionId = offer.subscriptionId.toUpperCase();
    const { grant } = await purchases.purchase(viewer, { subscriptionId, payWith: 'BALANCE', idempotencyKey: aKey() });
    const refunded = await refunds.refundGrant(viewer, { grantId: grant?.id.toUpperCase() as string, idempotencyKey: aKey() });
    expect(refunded.grant).toMatchObject({ id: grant?.id, status: 'REFUNDED' });
    const { order } = await purchases.purchase(viewer, { subscriptionId, payWith: 'CARD', idempotencyKey: aKey() });
    const again = await purchases.purchase(viewer, {
      subscriptionId: offer.subscriptionId,
      payWith: 'CARD',
      idempotencyKey: aKey(),
    });
    expect(again.order?.id).toBe(order?.id);
    expect((await purchases.cancelOrder(viewer, order?.id.toUpperCase() as string)).order?.status).toBe('CANCELLED');
    const paid = await shop.topUp(viewer, 500);
    expect((await purchases.look(viewer, paid.id.toUpperCase()))?.status).toBe('PAID');
    const [topUp] = await shop.db.rows<{ id: string }>('select id from transactions where order_id = $1', [paid.id]);
    const back = await refunds.refundTransaction(viewer, {
      transactionId: topUp?.id.toUpperCase() as string,
      idempotencyKey: aKey(),
    });
    expect(back.refund).toMatchObject({ transactionId: topUp?.id, status: 'SUCCEEDED' });
    const userId = viewer.userId.toUpperCase();
    const gift = await grants.gift(ADMIN, { userId, subscriptionId, reason: 'sorry', idempotencyKey: aKey() });
    expect(gift.grant?.userId).toBe(viewer.userId);
    const revoked = await grants.revoke(ADMIN, { grantId: gift.grant?.id.toUpperCase() as string, reason: 'a mistake' });
    expect(revoked.grant?.status).toBe('REVOKED');
    const adjusted = await adjustments.adjust(ADMIN, { userId, amount: 5, currency: 'USD', reason: 'x', idempotencyKey: aKey() });
    expect(adjusted.balance).toMatchObject({ userId: viewer.userId, posted: 995 });
    expect(new Set(shop.desk.announced.map((hint) => hint.userId))).toEqual(new Set([viewer.userId]));
    expect(await shop.discrepancies()).toEqual([]);
  });

  test('are the same input of a key', async () => {
    const viewer = await shop.viewer(1_000);
    const idempotencyKey = aKey();
    const first = await shop.buy(viewer, offer, idempotencyKey);
    const capitals = { ...offer, subscriptionId: offer.subscriptionId.toUpperCase() };
    const again = await shop.buy(viewer, capitals, idempotencyKey);
    expect(again.errors).toEqual([]);
    expect(again.grant?.id).toBe(first.grant?.id);
    expect((await shop.balance(viewer)).posted).toBe(900);
  });
});
