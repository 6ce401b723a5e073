import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/services/caller.js';
import { newId } from '../../src/services/ids.js';
import type { IdempotentRequest } from '../../src/services/ledger/idempotency.js';
import { BuyFromBalance } from '../../src/services/purchases/buy-from-balance.js';
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

  /** The next version of a plan, at another price, as the catalogue would write it. */
  const reprice = async (offer: Offer, pricePerDay: number): Promise<Offer> => {
    const versionId = newId();
    await shop.db.rows(
      `insert into subscription_versions (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
       select $1, subscription_id, 2, $2::bigint, duration_days, $2::bigint * duration_days, currency, 1, created_at
       from subscription_versions where id = $3`,
      [versionId, pricePerDay, offer.versionId],
    );
    await shop.db.rows('update subscriptions set current_version_id = $1 where id = $2', [versionId, offer.subscriptionId]);
    return { ...offer, versionId, pricePerDay, price: pricePerDay * offer.durationDays };
  };
  /** A cache that has not heard of the change; `fresh` is what the database says. */
  const staleDesk = (stale: Offer, fresh: Offer | null) =>
    new BuyFromBalance(
      shop.db.database,
      shop.desk.ledger,
      { offer: async (_id, options) => (options?.fresh ? fresh : stale) },
      shop.clock,
    );
  const intent = (): IdempotentRequest => ({ callerId: viewer.userId, key: aKey(), operation: 'purchase', inputHash: 'none' });

  test.each(['CARD', 'BALANCE'] as const)(
    'is refused by %s with its status, and may be bought with the same key later',
    async (payWith) => {
      const offer = await shop.desk.putOnSale(100, 10);
      shop.desk.offers.set(offer.subscriptionId, { ...offer, status: 'ARCHIVED' });
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
      shop.desk.offers.set(offer.subscriptionId, offer);
      expect((await buy(offer, payWith, key)).errors).toEqual([]);
    },
  );

  test.each(['CARD', 'BALANCE'] as const)('is not found by %s while it is a draft, and when there is none', async (payWith) => {
    const offer = await shop.desk.putOnSale(100, 10);
    shop.desk.offers.set(offer.subscriptionId, { ...offer, status: 'DRAFT' });
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
    await shop.db.rows("update subscriptions set status = 'ARCHIVED' where id = $1", [offer.subscriptionId]);
    const before = await counts();
    const buying = staleDesk(offer, { ...offer, status: 'ARCHIVED' }).buy(viewer.userId, offer.subscriptionId, intent());
    await expect(buying).rejects.toMatchObject({ error: { code: 'NOT_ON_SALE', status: 'ARCHIVED' } });
    expect(await counts()).toEqual(before);
  });

  test.each([
    ['more expensive', 200],
    ['cheaper', 50],
  ])('that has just become %s is sold from the balance in its new version, at the new price', async (_how, pricePerDay) => {
    const offer = await shop.desk.putOnSale(100, 10);
    const fresh = await reprice(offer, pricePerDay);
    const { posted } = await shop.balance(viewer);
    const { grant, balance } = await staleDesk(offer, fresh).buy(viewer.userId, offer.subscriptionId, intent());
    expect(grant).toMatchObject({ versionId: fresh.versionId, pricePerDay, durationDays: 10 });
    expect(balance.posted).toBe(posted - fresh.price);
    const [stored] = await shop.db.rows('select version_id, price_per_day::int from grants where id = $1', [grant.id]);
    expect(stored).toEqual({ version_id: fresh.versionId, price_per_day: pricePerDay });
  });

  test('that has just become too expensive names what is missing for the new price', async () => {
    const offer = await shop.desk.putOnSale(100, 10);
    const fresh = await reprice(offer, 2_000);
    const { posted } = await shop.balance(viewer);
    await expect(staleDesk(offer, fresh).buy(viewer.userId, offer.subscriptionId, intent())).rejects.toMatchObject({
      error: { code: 'INSUFFICIENT_FUNDS', shortfall: { amount: 20_000 - posted, currency: 'USD' } },
    });
    expect((await shop.balance(viewer)).posted).toBe(posted);
  });

  test('is ordered by card at what the database says, not at what a cache does', async () => {
    const offer = await shop.desk.putOnSale(100, 10);
    const fresh = await reprice(offer, 300);
    const known = shop.desk.offers.get.bind(shop.desk.offers);
    const { offers } = shop.desk.purchases as unknown as {
      offers: { offer: (id: string, options?: { fresh?: boolean }) => unknown };
    };
    const ask = offers.offer;
    offers.offer = async (id, options) => (id === offer.subscriptionId ? (options?.fresh ? fresh : offer) : known(id));
    shop.desk.offers.set(`as Stripe has it ${fresh.versionId}`, fresh);
    try {
      const { order, errors } = await buy(offer, 'CARD');
      expect(errors).toEqual([]);
      expect(order).toMatchObject({ amount: 3_000, versionId: fresh.versionId, userId: viewer.userId });
    } finally {
      offers.offer = ask;
    }
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
      shop.desk.offers.set(offer.subscriptionId, { ...offer, status });
      expect((await gift({})).errors).toMatchObject([{ code: 'NOT_FOUND', path: ['input', 'subscriptionId'] }]);
    }
    shop.desk.offers.set(offer.subscriptionId, offer);
    for (const durationDays of [0, -1, 3_661])
      expect((await gift({ durationDays })).errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input', 'durationDays'] }]);
    for (const durationDays of [1, 3_660]) expect((await gift({ durationDays })).grant).toMatchObject({ durationDays });
    expect((await gift({})).grant).toMatchObject({ durationDays: 10, paidWith: 'GIFT', pricePerDay: 100 });
    expect((await gift({ userId: 'root' })).errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input', 'userId'] }]);
    expect((await gift({ reason: '  ' })).errors).toMatchObject([{ code: 'INVALID_INPUT', path: ['input', 'reason'] }]);
  });
});
