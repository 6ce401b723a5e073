import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/services/caller.js';
import { sweepIdempotencyRecords } from '../../src/services/ledger/idempotency.js';
import { ADMIN, aKey, Shop } from '../support/shop.js';

describe('adjustments by an admin', () => {
  let shop: Shop;
  let viewer: Caller & { userId: string };
  beforeAll(async () => {
    shop = await Shop.open();
    viewer = await shop.viewer(1_000);
  });
  afterAll(() => shop.close());

  const adjust = (change: object) =>
    shop.desk.adjustments.adjust(ADMIN, {
      userId: viewer.userId,
      amount: 1,
      currency: 'USD',
      reason: 'goodwill',
      idempotencyKey: aKey(),
      ...change,
    });

  test('keep who did it, when and why on record', async () => {
    const { transaction } = await adjust({ amount: 250, reason: '  a late delivery  ' });
    expect(transaction).toMatchObject({ kind: 'ADJUSTMENT', amount: 250, reason: 'a late delivery', actorId: ADMIN.userId });
    expect(transaction?.createdAt).toEqual(shop.clock.now());
  });

  test.each([
    ['nothing', { amount: 0 }, 'INVALID_INPUT'],
    ['a viewer whose id is not a UUID', { userId: 'root' }, 'INVALID_INPUT'],
    ['more than is allowed at once', { amount: 10_000_001 }, 'AMOUNT_OUT_OF_BOUNDS'],
    ['as much less', { amount: -10_000_001 }, 'AMOUNT_OUT_OF_BOUNDS'],
    ['the largest exact integer', { amount: 2 ** 53 - 1 }, 'AMOUNT_OUT_OF_BOUNDS'],
    ['another currency', { currency: 'EUR' }, 'CURRENCY_MISMATCH'],
    ['no reason', { reason: '   ' }, 'INVALID_INPUT'],
    ['below what there is', { amount: -5_000 }, 'INSUFFICIENT_FUNDS'],
  ])('refuse %s, and change nothing', async (_words, change, code) => {
    const before = await shop.balance(viewer);
    expect((await adjust(change)).errors[0]?.code).toBe(code);
    expect(await shop.balance(viewer)).toEqual(before);
  });

  test('a key is good for as long as its record is kept, and is swept after', async () => {
    const idempotencyKey = aKey();
    await adjust({ amount: 10, idempotencyKey });
    const { version } = await shop.balance(viewer);
    await sweepIdempotencyRecords(shop.db.database, new Date(shop.clock.now().getTime() - 24 * 60 * 60 * 1000), 100);
    await adjust({ amount: 10, idempotencyKey });
    expect((await shop.balance(viewer)).version).toBe(version);
    expect(await sweepIdempotencyRecords(shop.db.database, new Date(shop.clock.now().getTime() + 1), 1)).toBeGreaterThan(1);
    await adjust({ amount: 10, idempotencyKey });
    expect((await shop.balance(viewer)).version).toBe(version + 1);
  });
});
