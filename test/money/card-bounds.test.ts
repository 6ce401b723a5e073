import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';

describe('what costs less than a card can pay', () => {
  let shop: CardShop;
  beforeAll(async () => {
    shop = await CardShop.open();
  });
  afterAll(() => shop.close());

  test('is refused by card, with the field and the bounds, before there is an order; from the balance it is sold', async () => {
    const offer = await shop.desk.putOnSale(7, 7);
    const viewer = await shop.viewer(100);
    const input = { subscriptionId: offer.subscriptionId, idempotencyKey: aKey() };
    const { errors } = await shop.desk.purchases.purchase(viewer, { ...input, payWith: 'CARD' });
    expect(errors).toEqual([
      {
        code: 'AMOUNT_OUT_OF_BOUNDS',
        message: expect.stringContaining('This costs 49'),
        path: ['input', 'payWith'],
        minimum: { amount: 50, currency: 'USD' },
        maximum: { amount: 99_999_999, currency: 'USD' },
      },
    ]);
    expect(await shop.db.rows('select from orders')).toEqual([]);
    // The key was not used up by the refusal.
    expect((await shop.desk.purchases.purchase(viewer, { ...input, payWith: 'BALANCE' })).grant?.status).toBe('ACTIVE');
  });

  test('is paid by card from the least that Stripe takes on; what is free asks for no payment', async () => {
    const viewer = await shop.viewer();
    for (const pricePerDay of [50, 0]) {
      const offer = await shop.desk.putOnSale(pricePerDay, 1);
      const order = await shop.buyByCard(viewer, offer);
      expect(order).toMatchObject({ status: 'PAID', capturedAmount: pricePerDay });
    }
  });
});
