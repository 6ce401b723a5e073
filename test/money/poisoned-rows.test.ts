import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { PAYOUT_LEASE_MS } from '../../src/services/refunds/payout.js';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';

let shop: CardShop;
beforeAll(async () => {
  shop = await CardShop.open();
});
afterAll(() => shop.close());

test('a payout that cannot be resumed does not keep the others from theirs', async () => {
  const offer = await shop.desk.putOnSale(100, 10);
  const viewer = await shop.viewer();
  shop.sandbox.control.addFault({ kind: 'error_500', operation: 'refunds.create' });
  const refunds: string[] = [];
  for (let count = 0; count < 2; count++) {
    const order = await shop.buyByCard(viewer, offer);
    const { refund } = await shop.desk.refunds.refundGrant(viewer, {
      grantId: (await shop.grantOf(order)).id,
      idempotencyKey: aKey(),
    });
    refunds.push(refund?.id as string);
  }
  shop.sandbox.control.clearFaults();
  // Past every trigger: the first one's order has lost its payment.
  await shop.db.rows(`do $$ begin set local session_replication_role = replica;
    update orders set captured_amount = 0, stripe_payment_intent_id = null where id = (select order_id from refunds where id = '${refunds[0]}'); end $$`);
  shop.clock.advanceMs(PAYOUT_LEASE_MS * 40);
  await expect(shop.desk.payout.resumeDue(10)).rejects.toThrow('has no payment');
  expect((await shop.refund(refunds[1] as string)).status).toBe('SUCCEEDED');
  expect((await shop.refund(refunds[0] as string)).status).toBe('PENDING');
});
