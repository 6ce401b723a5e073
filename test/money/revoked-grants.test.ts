import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/services/ids.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';

type Viewer = Awaited<ReturnType<CardShop['viewer']>>;

describe('a grant that is taken away', () => {
  let shop: CardShop;
  let offer: Offer;
  let viewer: Viewer;
  beforeAll(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
    viewer = await shop.viewer(10_000);
  });
  afterEach(async () => expect(await shop.discrepancies()).toEqual([]));
  afterAll(() => shop.close());

  const revoke = (grantId: string, reason = 'shared password') => shop.desk.grants.revoke(ADMIN, { grantId, reason });
  const bought = async () => (await shop.buy(viewer, offer)).grant?.id as string;

  test('while it is suspended stays revoked when the dispute is won, and the money comes back', async () => {
    const order = await shop.buyByCard(viewer, offer);
    const { id: grantId } = await shop.grantOf(order);
    const before = await shop.balance(viewer);
    const { id } = shop.sandbox.control.openDispute({
      paymentIntent: order.stripePaymentIntentId as string,
      reason: 'fraudulent',
    });
    await shop.desk.disputes.applyDispute(await shop.stripe.disputes.retrieve(id), null);
    expect(await shop.grantStatus(grantId)).toBe('SUSPENDED');
    const { grant, errors } = await revoke(grantId);
    expect(errors).toEqual([]);
    expect(grant).toMatchObject({
      status: 'REVOKED',
      endedAt: shop.clock.now(),
      reason: 'shared password',
      actorId: ADMIN.userId,
    });
    shop.sandbox.control.closeDispute(id, 'won');
    await shop.desk.disputes.applyDispute(await shop.stripe.disputes.retrieve(id), null);
    expect(await shop.grantStatus(grantId)).toBe('REVOKED');
    expect(await shop.balance(viewer)).toMatchObject({ posted: before.posted, held: before.held });
  });

  test('moves no money, and is announced', async () => {
    const grantId = await bought();
    const before = await shop.balance(viewer);
    shop.desk.announced.length = 0;
    expect((await revoke(grantId)).grant?.status).toBe('REVOKED');
    expect(await shop.balance(viewer)).toEqual(before);
    expect(shop.desk.announced).toHaveLength(1);
  });

  test.each([
    ['REVOKED', async (id: string) => void (await revoke(id))],
    [
      'REFUNDED',
      async (id: string) => void (await shop.desk.refunds.refundGrant(viewer, { grantId: id, idempotencyKey: aKey() })),
    ],
    [
      'EXPIRED',
      async () => {
        shop.clock.advanceDays(10);
        await shop.desk.grants.expireDue(100);
      },
    ],
  ])('once it is %s is left as it is', async (state, end) => {
    const grantId = await bought();
    await end(grantId);
    const [before] = await shop.db.rows('select * from grants where id = $1', [grantId]);
    expect(before).toMatchObject({ status: state });
    expect((await revoke(grantId, 'another reason')).errors).toMatchObject([
      { code: 'WRONG_STATE', state, path: ['input', 'grantId'] },
    ]);
    expect((await shop.db.rows('select * from grants where id = $1', [grantId]))[0]).toEqual(before);
  });

  test('needs a reason, and has to be there', async () => {
    const grantId = await bought();
    expect((await revoke(grantId, ' ')).errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input', 'reason'] }]);
    for (const id of [newId(), 'not-an-id'])
      expect((await revoke(id)).errors).toMatchObject([{ code: 'NOT_FOUND', path: ['input', 'grantId'] }]);
    expect(await shop.grantStatus(grantId)).toBe('ACTIVE');
  });

  test('expires at the instant its time is over, and not a millisecond before', async () => {
    const grantId = await bought();
    shop.clock.advanceDays(10);
    shop.clock.advanceMs(-1);
    await shop.desk.grants.expireDue(100);
    expect(await shop.grantStatus(grantId)).toBe('ACTIVE');
    shop.clock.advanceMs(1);
    expect(await shop.desk.grants.expireDue(100)).toBeGreaterThan(0);
    expect(await shop.grantStatus(grantId)).toBe('EXPIRED');
  });
});
