import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { maskError } from '../../src/gateway/graphql/errors.js';
import { newId } from '../../src/services/ids.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { Database, type Statement } from '../../src/stores/database.js';
import { ViewerBusy, ViewerPlaces } from '../../src/stores/viewer-places.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';
import { until } from '../support/until.js';

let shop: CardShop;
let offer: Offer;

beforeAll(async () => {
  shop = await CardShop.open();
  offer = await shop.desk.putOnSale(50, 10);
});
afterAll(() => shop.close());

/** Holds a viewer's balance row as somebody with psql would, until it is let go. */
async function lockBalanceOf(userId: string): Promise<() => Promise<void>> {
  const client = new pg.Client({ connectionString: shop.db.url });
  await client.connect();
  await client.query('begin');
  await client.query('select from balances where user_id = $1 for update', [userId]);
  return async () => {
    await client.query('rollback');
    await client.end();
  };
}

test('changes of a viewer whose balance is locked do not keep others from buying, and happen when the lock is gone', async () => {
  const [stuck, other] = [await shop.viewer(50_000), await shop.viewer(10_000)];
  const order = (await shop.desk.purchases.topUp(stuck, { amount: 2_000, currency: 'USD', idempotencyKey: aKey() })).order as {
    stripeSessionId: string;
  };
  shop.sandbox.control.pay(order.stripeSessionId, { card: '4242424242424242' });
  const session = await shop.stripe.checkout.sessions.retrieve(order.stripeSessionId, { expand: ['payment_intent'] });
  const release = await lockBalanceOf(stuck.userId);
  let settled = 0;
  const changes: [what: string, count: number, change: () => Promise<unknown>][] = [
    ['purchases from the balance', 50, () => shop.buy(stuck, offer)],
    [
      'purchases by card',
      5,
      () =>
        shop.desk.purchases.purchase(stuck, { subscriptionId: offer.subscriptionId, payWith: 'CARD', idempotencyKey: aKey() }),
    ],
    [
      'adjustments',
      5,
      () =>
        shop.desk.adjustments.adjust(ADMIN, {
          userId: stuck.userId,
          amount: 1,
          currency: 'USD',
          reason: 'test',
          idempotencyKey: aKey(),
        }),
    ],
    ['news of a payment', 5, () => shop.desk.fulfilment.applyCheckoutSession(session, null)],
  ];
  const done = changes.flatMap(([, count, change]) => Array.from({ length: count }, () => change().finally(() => settled++)));
  const { pool } = shop.db.database;
  try {
    await until(async () => (await waitingForLocks()) === 2, 'two of them wait for the lock');
    for (let round = 1; round <= 5; round++) expect((await shop.buy(other, offer)).errors).toEqual([]);
    expect(await shop.desk.access.decide(stuck.userId, [newId()])).toHaveLength(1);
    // All of that while the lock was held, and on connections that were free.
    expect([settled, pool.waitingCount, await waitingForLocks()]).toEqual([0, 0, 2]);
  } finally {
    await release();
  }
  await Promise.all(done);
  const [grants] = await shop.db.rows<{ count: number }>('select count(*)::int as count from grants where user_id = $1', [
    stuck.userId,
  ]);
  expect(grants?.count).toBe(50);
  expect(await shop.balance(stuck)).toMatchObject({ posted: 50_000 - 50 * 500 + 5 + 2_000 });
  expect(await shop.discrepancies()).toEqual([]);
});

async function waitingForLocks(): Promise<number> {
  const [row] = await shop.db.rows<{ count: number }>(
    `select count(*)::int as count from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
  );
  return row?.count ?? 0;
}

describe('a database', () => {
  const slow: Statement = { name: 'locked-viewer-lock', text: 'select from balances where user_id = $1 for update' };

  test('refuses changes of a viewer beyond those that may wait, leaves a connection to others even of a pool of two, and recovers', async () => {
    const viewer = await shop.viewer(100);
    const database = new Database({
      url: shop.db.url,
      poolSize: 2,
      statementTimeoutMs: 10_000,
      connectionTimeoutMs: 5_000,
      viewerPlaces: { maximumCount: 5, queueCount: 1 },
    });
    const release = await lockBalanceOf(viewer.userId);
    const change = () => database.forViewer(viewer.userId).query(slow, [viewer.userId]);
    const [first, second] = [change(), change()];
    try {
      await expect(change()).rejects.toThrow(ViewerBusy);
      const inTransaction = database.transaction(async (tx) => {
        tx.takePlace?.(viewer.userId);
        return tx.query(slow, [viewer.userId]);
      });
      await expect(inTransaction).rejects.toThrow(ViewerBusy);
      expect(await database.forViewer('another').query({ name: 'locked-viewer-one', text: 'select 1 as one' })).toEqual([
        { one: 1 },
      ]);
    } finally {
      await release();
    }
    await Promise.all([first, second]);
    await change();
    await database.close();
  });

  test('gives places back whatever a transaction ends in, and counts a viewer once for each', async () => {
    const viewer = await shop.viewer(100);
    const { database } = shop.db;
    for (let round = 1; round <= 5; round++) {
      const failing = database.transaction(async (tx) => {
        tx.takePlace?.(viewer.userId);
        tx.takePlace?.(viewer.userId);
        if (round % 2) throw new Error('as planned');
        return tx.query(slow, ['no uuid']);
      });
      await expect(failing).rejects.toThrow();
    }
    await database.transaction(async (tx) => tx.takePlace?.(viewer.userId));
  });
});

describe('the places of a viewer', () => {
  test('are given in turn, and a wait that is too long ends in ViewerBusy', async () => {
    const places = new ViewerPlaces({ maximumCount: 1, queueCount: 2, waitMs: 30_000 });
    const release = places.tryTake('viewer');
    const order: number[] = [];
    const waiting = [1, 2].map(async (number) => {
      const releaseOwn = await places.take('VIEWER');
      order.push(number);
      releaseOwn();
    });
    await expect(places.take('viewer')).rejects.toThrow(ViewerBusy);
    expect([places.tryTake('viewer'), order]).toEqual([null, []]);
    places.tryTake('another')?.();
    release?.();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2]);
    places.tryTake('viewer')?.();
    const impatient = new ViewerPlaces({ maximumCount: 1, queueCount: 1, waitMs: 20 });
    impatient.tryTake('viewer');
    await expect(impatient.take('viewer')).rejects.toThrow(ViewerBusy);
    expect(maskError(new ViewerBusy('viewer'), { suggestions: false })).toMatchObject({
      isDefect: false,
      error: { extensions: { code: 'SERVICE_UNAVAILABLE' } },
    });
  });
});
