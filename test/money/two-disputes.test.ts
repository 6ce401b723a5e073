import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import { CardShop } from '../support/card-shop.js';

let shop: CardShop;
beforeAll(async () => {
  shop = await CardShop.open();
});
afterAll(() => shop.close());

test('A grant stays suspended while a second dispute of its payment is open, whichever of the two is won first', async () => {
  const offer = await shop.desk.putOnSale(100, 10);
  const viewer = await shop.viewer();
  const order = await shop.buyByCard(viewer, offer);
  const { id: grantId } = await shop.grantOf(order);
  const paymentIntent = order.stripePaymentIntentId as string;
  const { id } = shop.sandbox.control.openDispute({ paymentIntent, reason: 'fraudulent', amount: 300 });
  const open = await shop.stripe.disputes.retrieve(id);
  shop.sandbox.control.closeDispute(id, 'won');
  const won = await shop.stripe.disputes.retrieve(id);
  /** The second dispute moves as the first does, under ids of its own. */
  const second = (dispute: Stripe.Dispute) => ({
    ...dispute,
    id: 'dp_second',
    balance_transactions: dispute.balance_transactions.map((movement) => ({ ...movement, id: `${movement.id}_second` })),
  });
  const apply = async (dispute: Stripe.Dispute) => {
    await shop.desk.disputes.applyDispute(dispute, null);
    return shop.grantStatus(grantId);
  };
  expect(await apply(open)).toBe('SUSPENDED');
  expect(await apply(second(open))).toBe('SUSPENDED');
  expect(await apply(second(won))).toBe('SUSPENDED');
  expect(await apply(won)).toBe('ACTIVE');
  expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  expect(await shop.discrepancies()).toEqual([]);
});
