import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { verifyLedger } from '../../src/services/verification/verify-ledger.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';

describe('The verification while the product is used', () => {
  let shop: CardShop;
  beforeAll(async () => {
    shop = await CardShop.open();
  });
  afterAll(() => shop.close());

  it('raises no false alarm, neither the full one nor the job', async () => {
    const plan = await shop.desk.putOnSale(100, 2);
    const viewers = await Promise.all(Array.from({ length: 6 }, () => shop.viewer(100_000)));
    for (const viewer of viewers) await shop.buy(viewer, plan);
    // These expire in the middle of it.
    shop.clock.advanceMs(47.5 * 3_600_000);
    let isBusy = true;
    const use = async (viewer: (typeof viewers)[number], count: number) => {
      for (let index = 0; index < count; index++) {
        await shop.buy(viewer, plan);
        const order = await shop.buyByCard(viewer, plan);
        const refund = { grantId: (await shop.grantOf(order)).id, idempotencyKey: aKey() };
        expect((await shop.desk.refunds.refundGrant(viewer, refund)).errors).toEqual([]);
        const { subscriptionId } = plan;
        const gift = { userId: viewer.userId, subscriptionId, reason: 'an apology', idempotencyKey: aKey() };
        await shop.desk.grants.gift(ADMIN, gift);
        shop.clock.advanceMs(60_000);
        await shop.desk.grants.expireDue(100);
      }
    };
    const alarms: unknown[] = [];
    let rounds = 0;
    const watch = async () => {
      while (isBusy) {
        alarms.push(...(await verifyLedger(shop.db.database, { jobs: 2 })).discrepancies);
        await shop.desk.verification.run();
        alarms.push(...(await shop.desk.verification.report()).discrepancies);
        rounds += 1;
      }
    };
    const watching = watch();
    await Promise.all(viewers.map((viewer) => use(viewer, 12)));
    isBusy = false;
    await watching;
    expect(alarms).toEqual([]);
    expect(rounds).toBeGreaterThan(2);
    const statuses = await shop.db.rows<{ status: string }>('select distinct status from grants order by status');
    expect(statuses.map(({ status }) => status)).toEqual(['ACTIVE', 'EXPIRED', 'REFUNDED']);
  });
});
