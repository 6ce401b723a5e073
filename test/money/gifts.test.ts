import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/services/ids.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { ADMIN, aKey, Shop } from '../support/shop.js';
import { testServices } from '../support/test-services.js';

describe('a gift', () => {
  let shop: Shop;
  let offer: Offer;
  beforeAll(async () => {
    shop = await Shop.open();
    offer = await shop.desk.putOnSale(100, 10);
  });
  afterAll(() => shop.close());

  const gift = (change: object = {}, grants = shop.desk.grants) =>
    grants.gift(ADMIN, {
      userId: newId(),
      subscriptionId: offer.subscriptionId,
      reason: 'a lost parcel',
      idempotencyKey: aKey(),
      ...change,
    });

  test('is the same grant again for the same key, also once its subscription is off sale', async () => {
    const input = { userId: newId(), idempotencyKey: aKey() };
    const { grant } = await gift(input);
    expect(grant).toMatchObject({ status: 'ACTIVE', paidWith: 'GIFT', userId: input.userId });
    await shop.desk.setStatus(offer, 'ARCHIVED');
    expect(await gift(input)).toMatchObject({ grant: { id: grant?.id }, errors: [] });
    expect((await gift()).errors[0]).toMatchObject({ code: 'NOT_FOUND', path: ['input', 'subscriptionId'] });
    expect((await gift({ ...input, reason: 'another' })).errors[0]?.code).toBe('IDEMPOTENCY_CONFLICT');
    await shop.desk.setStatus(offer, 'ACTIVE');
  });

  test('asked for twice at once is given once', async () => {
    const input = { userId: newId(), idempotencyKey: aKey() };
    const [one, other] = await Promise.all([gift(input), gift(input)]);
    expect(one.errors).toEqual([]);
    expect(other.grant?.id).toBe(one.grant?.id);
  });

  test('is announced under the id as the database writes it, however the admin wrote it', async () => {
    const userId = newId();
    await gift({ userId: userId.toUpperCase() });
    expect(shop.desk.announced.at(-1)).toEqual({ userId, sequence: 1 });
  });

  test('lasts no longer than a subscription is allowed to last', async () => {
    const environment = { SUBSCRIPTION_DURATION_MAXIMUM_DAYS: '90' };
    const { grants } = testServices({ database: shop.db.database, clock: shop.clock, environment });
    expect((await gift({ durationDays: 91 }, grants)).errors[0]).toEqual({
      code: 'INVALID_INPUT',
      message: 'A grant lasts 1 to 90 days.',
      path: ['input', 'durationDays'],
    });
    expect((await gift({ durationDays: 90 }, grants)).grant?.durationDays).toBe(90);
  });
});
