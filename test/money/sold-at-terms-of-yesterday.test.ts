import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/services/caller.js';
import { newId } from '../../src/services/ids.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';

describe('a plan that is not on sale, or not as it was', () => {
  let shop: CardShop;
  let viewer: Caller & { userId: string };
  beforeAll(async () => {
    shop = await CardShop.open();
    viewer = await shop.viewer(10_000);
  });
  afterEach(async () => expect(await shop.discrepancies()).toEqual([]));
  afterAll(() => shop.close());

  const buy = (offer: Pick<Offer, 'subscriptionId'>, payWith: 'CARD' | 'BALANCE', idempotencyKey = aKey()) =>
    shop.desk.purchases.purchase(viewer, { subscriptionId: offer.subscriptionId, payWith, idempotencyKey });
  const countOf = async (table: 'orders' | 'grants' | 'transactions') =>
    (await shop.db.rows<{ count: number }>(`select count(*)::int as count from ${table}`))[0]?.count;
  const counts = async () => [await countOf('orders'), await countOf('grants'), await countOf('transactions')];

  /** What another node changes from now on, this node learns only from the database. */
  const cacheOffer = (offer: Offer) => shop.desk.catalogue.offer(offer.subscriptionId);

  test.each(['CARD', 'BALANCE'] as const)(
    'is refused by %s with its status, and may be bought with the same key later',
    async (payWith) => {
      const offer = await shop.desk.putOnSale(100, 10);
      await shop.desk.setStatus(offer, 'ARCHIVED');
      const before = await counts();
      const key = aKey();
      expect(await buy(offer, payWith, key)).toEqual({
        errors: [
          {
            code: 'NOT_ON_SALE',
            message: 'This subscription is not on sale.',
            path: ['input', 'subscriptionId'],
            status: 'ARCHIVED',
          },
        ],
      });
      expect(await counts()).toEqual(before);
      await shop.desk.setStatus(offer, 'ACTIVE');
      expect((await buy(offer, payWith, key)).errors).toEqual([]);
    },
  );

  test.each(['CARD', 'BALANCE'] as const)('is not found by %s while it is a draft, and when there is none', async (payWith) => {
    const offer = await shop.desk.putOnSale(100, 10);
    await shop.desk.setStatus(offer, 'DRAFT');
    const before = await counts();
    for (const subscriptionId of [offer.subscriptionId, newId()]) {
      expect((await buy({ subscriptionId }, payWith)).errors).toMatchObject([
        { code: 'NOT_FOUND', path: ['input', 'subscriptionId'] },
      ]);
    }
    expect(await counts()).toEqual(before);
  });

  test('that was archived a moment ago is not sold from the balance on the word of a cache', async () => {
    const offer = await shop.desk.putOnSale(100, 10);
    await cacheOffer(offer);
    await shop.db.rows("update subscriptions set status = 'ARCHIVED' where id = $1", [offer.subscriptionId]);
    const before = await counts();
    expect((await buy(offer, 'BALANCE')).errors).toMatchObject([{ code: 'NOT_ON_SALE', status: 'ARCHIVED' }]);
    expect(await counts()).toEqual(before);
  });

  test.each([
    ['more expensive', 200],
    ['cheaper', 50],
  ])('that has just become %s is sold from the balance in its new version, at the new price', async (_how, pricePerDay) => {
    const offer = await shop.desk.putOnSale(100, 10);
    await cacheOffer(offer);
    const fresh = await shop.desk.repriceElsewhere(offer, pricePerDay);
    const { posted } = await shop.balance(viewer);
    const { grant, balance } = await buy(offer, 'BALANCE');
    expect(grant).toMatchObject({ versionId: fresh.versionId, pricePerDay, durationDays: 10 });
    expect(balance?.posted).toBe(posted - fresh.price);
    const [stored] = await shop.db.rows('select version_id, price_per_day::int from grants where id = $1', [grant?.id]);
    expect(stored).toEqual({ version_id: fresh.versionId, price_per_day: pricePerDay });
  });

  test('that has just become too expensive names what is missing for the new price', async () => {
    const offer = await shop.desk.putOnSale(100, 10);
    await cacheOffer(offer);
    await shop.desk.repriceElsewhere(offer, 2_000);
    const { posted } = await shop.balance(viewer);
    expect((await buy(offer, 'BALANCE')).errors).toMatchObject([
      { code: 'INSUFFICIENT_FUNDS', shortfall: { amount: 20_000 - posted, currency: 'USD' } },
    ]);
    expect((await shop.balance(viewer)).posted).toBe(posted);
  });

  test('is ordered by card at what the database says, not at what a cache does', async () => {
    const offer = await shop.desk.putOnSale(100, 10);
    await cacheOffer(offer);
    const fresh = await shop.desk.repriceElsewhere(offer, 300);
    const { order, errors } = await buy(offer, 'CARD');
    expect(errors).toEqual([]);
    expect(order).toMatchObject({ amount: 3_000, versionId: fresh.versionId, userId: viewer.userId });
  });

  test('is sold from the balance to the last cent, and not with a cent less', async () => {
    const offer = await shop.desk.putOnSale(100, 10);
    const [exact, short] = [await shop.viewer(1_000), await shop.viewer(999)];
    expect((await shop.buy(short, offer)).errors).toMatchObject([
      { code: 'INSUFFICIENT_FUNDS', shortfall: { amount: 1, currency: 'USD' } },
    ]);
    expect((await shop.buy(exact, offer)).errors).toEqual([]);
    expect(await shop.balance(exact)).toMatchObject({ posted: 0 });
    expect(await shop.balance(short)).toMatchObject({ posted: 999 });
  });

  test('is not sold from a balance in another currency, nor by card to a viewer who has one', async () => {
    const offer = await shop.desk.putOnSale(100, 10);
    const userId = newId();
    await shop.db.rows(
      "insert into balances (user_id, currency, posted, created_at, updated_at) values ($1, 'EUR', 0, now(), now())",
      [userId],
    );
    for (const payWith of ['BALANCE', 'CARD'] as const) {
      const input = { subscriptionId: offer.subscriptionId, payWith, idempotencyKey: aKey() };
      const { errors } = await shop.desk.purchases.purchase({ userId, role: 'VIEWER' }, input);
      expect(errors).toMatchObject([{ code: 'CURRENCY_MISMATCH', expected: 'EUR' }]);
    }
  });

  test('is not given either: a gift of a draft or an archived plan is refused, and so are days out of bounds', async () => {
    const offer = await shop.desk.putOnSale(100, 10);
    const gift = (change: object) =>
      shop.desk.grants.gift(ADMIN, {
        userId: viewer.userId,
        subscriptionId: offer.subscriptionId,
        reason: 'test',
        idempotencyKey: aKey(),
        ...change,
      });
    for (const status of ['DRAFT', 'ARCHIVED'] as const) {
      await shop.desk.setStatus(offer, status);
      expect((await gift({})).errors).toMatchObject([{ code: 'NOT_FOUND', path: ['input', 'subscriptionId'] }]);
    }
    await shop.desk.setStatus(offer, 'ACTIVE');
    for (const durationDays of [0, -1, 3_661])
      expect((await gift({ durationDays })).errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input', 'durationDays'] }]);
    for (const durationDays of [1, 3_660]) expect((await gift({ durationDays })).grant).toMatchObject({ durationDays });
    expect((await gift({})).grant).toMatchObject({ durationDays: 10, paidWith: 'GIFT', pricePerDay: 100 });
    expect((await gift({ userId: 'root' })).errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input', 'userId'] }]);
    expect((await gift({ reason: '  ' })).errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input', 'reason'] }]);
  });
});
