import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import type { Order } from '../../src/entities/order.js';
import { newId } from '../../src/services/ids.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { RedisOpenSessions } from '../../src/stores/open-sessions.js';
import { describeWithRedisServer } from '../live/redis-server.js';
import { CardShop } from '../support/card-shop.js';
import { RedisServer } from '../support/redis-server.js';
import { aKey } from '../support/shop.js';
import { until } from '../support/until.js';

type Viewer = Awaited<ReturnType<CardShop['viewer']>>;

describeWithRedisServer('the open session of a viewer, remembered in Redis', () => {
  let server: RedisServer;
  let redis: Redis;
  let sessions: RedisOpenSessions;
  let shop: CardShop;
  let offer: Offer;
  beforeAll(async () => {
    server = await RedisServer.start();
    redis = new Redis(server.url);
    redis.on('error', () => {});
    sessions = new RedisOpenSessions({ url: server.url, commandTimeoutMs: 200 });
    shop = await CardShop.open(sessions);
    offer = await shop.desk.putOnSale(100, 10);
    await connected();
  });
  afterAll(async () => {
    redis.disconnect();
    await sessions.close();
    await shop.close();
    await server.close();
  });

  const byCard = async (viewer: Viewer, what = offer, idempotencyKey = aKey()): Promise<Order> => {
    const input = { subscriptionId: what.subscriptionId, payWith: 'CARD' as const, idempotencyKey };
    const { order, errors } = await shop.desk.purchases.purchase(viewer, input);
    expect(errors).toEqual([]);
    return order as Order;
  };
  const topUp = async (viewer: Viewer, amount: number): Promise<Order> =>
    (await shop.desk.purchases.topUp(viewer, { amount, currency: 'USD', idempotencyKey: aKey() })).order as Order;

  const keysOf = (viewer: Viewer) => redis.keys(`*${viewer.userId}*`);
  /** Keeping is not waited for by the one who buys, so the test does. */
  const remembered = async (viewer: Viewer, count = 1) => {
    await until(async () => (await keysOf(viewer)).length === count, 'the session is remembered');
    return keysOf(viewer);
  };
  async function connected(): Promise<void> {
    const subject = { userId: newId(), versionId: null, amount: 1, currency: 'USD' };
    await until(async () => {
      sessions.keep(subject, newId(), new Date(60_000), new Date(0));
      return (await sessions.find(subject)) !== null;
    }, 'Redis is connected');
  }

  test('is given again while it is open, without waiting for whatever else the viewer does', async () => {
    const viewer = await shop.viewer(1);
    const order = await byCard(viewer);
    await remembered(viewer);
    const elsewhere = await shop.db.database.pool.connect();
    try {
      await elsewhere.query('begin');
      await elsewhere.query('select from balances where user_id = $1 for update', [viewer.userId]);
      expect(await byCard(viewer)).toEqual(order);
    } finally {
      await elsewhere.query('rollback');
      elsewhere.release();
    }
  });

  test('is not returned again while it is being closed: the caller waits for that, and gets a new one', async () => {
    const viewer = await shop.viewer();
    const order = await byCard(viewer);
    await remembered(viewer);
    const elsewhere = await shop.db.database.pool.connect();
    try {
      await elsewhere.query('begin');
      await elsewhere.query("update orders set status = 'EXPIRED', closed_at = created_at where id = $1", [order.id]);
      let answered = false;
      const asked = byCard(viewer).finally(() => {
        answered = true;
      });
      const waiting =
        'select 1 from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0 and datname = current_database()';
      await until(async () => answered || (await shop.db.rows(waiting)).length > 0, 'the request waits');
      await elsewhere.query('commit');
      expect((await asked).id).not.toBe(order.id);
    } finally {
      elsewhere.release();
    }
  });

  test('is forgotten when the session ends', async () => {
    const viewer = await shop.viewer();
    const order = await byCard(viewer);
    const [key] = await remembered(viewer);
    const lifetimeMs = order.expiresAt.getTime() - shop.clock.now().getTime();
    const leftMs = await redis.pttl(key as string);
    expect(leftMs).toBeLessThanOrEqual(lifetimeMs);
    expect(leftMs).toBeGreaterThan(lifetimeMs - 60_000);
  });

  test("the fast path keeps the caller's key: the same answer again, other input is refused", async () => {
    const viewer = await shop.viewer();
    const order = await byCard(viewer);
    await remembered(viewer);
    const key = aKey();
    expect((await byCard(viewer, offer, key)).id).toBe(order.id);
    await shop.payAtCheckout(viewer, order);
    expect(await byCard(viewer, offer, key)).toMatchObject({ id: order.id, status: 'PAID' });
    const other = await shop.desk.purchases.topUp(viewer, { amount: 500, currency: 'USD', idempotencyKey: key });
    expect(other.errors[0]?.code).toBe('IDEMPOTENCY_CONFLICT');
  });

  test('top-ups have one for each amount', async () => {
    const viewer = await shop.viewer();
    const five = await topUp(viewer, 500);
    const seven = await topUp(viewer, 700);
    expect(seven.id).not.toBe(five.id);
    await remembered(viewer, 2);
    expect((await topUp(viewer, 500)).id).toBe(five.id);
    expect((await topUp(viewer, 700)).id).toBe(seven.id);
  });

  test('20 requests at once, each with a key of its own, open one session', async () => {
    const viewer = await shop.viewer();
    const before = shop.sandbox.control.state().counts.sessions as number;
    const orders = await Promise.all(Array.from({ length: 20 }, () => byCard(viewer)));
    expect(new Set(orders.map((order) => order.checkoutUrl)).size).toBe(1);
    expect(shop.sandbox.control.state().counts.sessions).toBe(before + 1);
  });

  const lies: [string, (viewer: Viewer) => Promise<string>][] = [
    ['an order that was paid', async (viewer) => (await shop.payAtCheckout(viewer, await byCard(viewer))).id],
    [
      'an order that was canceled',
      async (viewer) => (await shop.desk.purchases.cancelOrder(viewer, (await byCard(viewer)).id)).order?.id as string,
    ],
    [
      'an order whose time is over',
      async (viewer) => {
        const { id } = await byCard(viewer);
        await shop.db.rows(`update orders set expires_at = $2, created_at = $2 where id = $1`, [id, shop.clock.now()]);
        return id;
      },
    ],
    ["another viewer's order", async () => (await byCard(await shop.viewer())).id],
    ["another subscription's order", async (viewer) => (await byCard(viewer, await shop.desk.putOnSale(200, 10))).id],
    ['a top-up of the same amount', async (viewer) => (await topUp(viewer, 1_000)).id],
    ['an order that there is not', async () => newId()],
    ['no id at all', async () => "'; drop table orders"],
  ];
  test.each(lies)('Redis may lie: it names %s, and the viewer gets an open order of their own', async (_, lieOf) => {
    const viewer = await shop.viewer();
    const lie = await lieOf(viewer);
    const honest = await byCard(viewer);
    await remembered(viewer, (await keysOf(viewer)).length);
    const name = (await keysOf(viewer)).find((key) => key.endsWith(offer.versionId)) as string;
    await redis.set(name, lie);
    const order = await byCard(viewer);
    expect(order).toMatchObject({ id: honest.id, userId: viewer.userId, versionId: offer.versionId, status: 'OPEN' });
    expect(order.id).not.toBe(lie);
  });

  describe('while Redis', () => {
    test('hangs, and when it is gone, and when it has come back without its memory: the same order', async () => {
      const viewer = await shop.viewer();
      const order = await byCard(viewer);
      await remembered(viewer);
      server.signal('SIGSTOP');
      expect((await byCard(viewer)).id).toBe(order.id);
      server.signal('SIGCONT');
      await server.kill();
      expect((await byCard(viewer)).id).toBe(order.id);
      const another = await shop.viewer();
      expect((await byCard(another)).checkoutUrl).toBeTruthy();
      await server.start();
      await connected();
      expect((await byCard(viewer)).id).toBe(order.id);
      expect(await remembered(viewer)).toHaveLength(1);
    });
  });
});
