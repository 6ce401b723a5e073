import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { defaultLimits } from '../support/catalogue-scene.js';
import type { Following } from '../support/following-client.js';
import { aKey } from '../support/shop.js';
import { until } from '../support/until.js';
import { describeWithRedisServer } from './redis-server.js';
import { type GrantChange, TwoGateways } from './two-gateways.js';

let gateways: TwoGateways;
let subscriptionId: string;
const clients: Following<GrantChange>[] = [];

/** A gift whose time is over in so many seconds. */
async function grantFor(userId: string, seconds: number): Promise<Date> {
  await gateways.home.rows(`insert into balances (user_id, currency, created_at, updated_at) values ($1, 'USD', now(), now())`, [
    userId,
  ]);
  const [grant] = await gateways.home.rows<{ availableUntil: Date }>(
    `insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at, starts_at,
       available_until, text_digest, actor_id)
     select gen_random_uuid(), $1, current_version_id, 'ACTIVE', 'GIFT', 1, 1, 'USD', now(), now(), now() + $2 * interval '1 second', 'a test', $1
     from subscriptions where id = $3
     returning available_until as "availableUntil"`,
    [userId, seconds, subscriptionId],
  );
  return grant?.availableUntil as Date;
}

async function clientOf(index: number, userId: string): Promise<Following<GrantChange>> {
  const client = await gateways.followGrants(index, userId);
  clients.push(client);
  return client;
}

const clientsOfBoth = (userId: string) => Promise.all([0, 1].map((index) => clientOf(index, userId)));
const statuses = (client: Following<GrantChange>) => client.seen.map((change) => change.grant.status);

async function eachHasSeen(some: readonly Following<GrantChange>[], status: string): Promise<void> {
  await until(() => some.every((client) => statuses(client).at(-1) === status), `${status} at each client`, 30_000);
}

describeWithRedisServer('grants at clients of two gateway processes', () => {
  beforeAll(async () => {
    // No sweep comes in time: only a hint can have delivered a change.
    gateways = await TwoGateways.start({ LIVE_QUIET_SWEEP_INTERVAL_MS: '600000' });
    subscriptionId = await gateways.putOnSale();
  }, 120_000);
  afterAll(async () => {
    for (const client of clients) await client.stop();
    await gateways.close();
  });

  test('a grant that expires shows at a client of the gateway that runs no jobs, when its time is over and not before', async () => {
    const lateMs = await Promise.all(
      [3, 3.4, 3.8, 4.2, 4.6].map(async (seconds) => {
        const userId = randomUUID();
        const availableUntil = await grantFor(userId, seconds);
        const client = await clientOf(1, userId);
        await until(() => client.seen.length === 2, 'the end of the grant');
        const late = Date.now() - availableUntil.getTime();
        expect(statuses(client)).toEqual(['ACTIVE', 'EXPIRED']);
        return late;
      }),
    );
    lateMs.sort((left, right) => left - right);
    process.stdout.write(`grants' ends arrived ${lateMs.join(', ')} ms after their time\n`);
    expect(lateMs[0]).toBeGreaterThanOrEqual(0);
    // How late depends on this, and on what else the machine is busy with.
    expect(defaultLimits.expireGrantsIntervalMs).toBeLessThanOrEqual(1_000);
  });

  test('a grant that is revoked through one shows at clients of both', async () => {
    const userId = randomUUID();
    await grantFor(userId, 3_600);
    const both = await clientsOfBoth(userId);
    await eachHasSeen(both, 'ACTIVE');
    const grantId = both[0]?.seen[0]?.grant.id;
    await gateways.done(0, 'revokeGrant(RevokeGrantInput!) { errors { message } }', { grantId, reason: 'a test' });
    await eachHasSeen(both, 'REVOKED');
    for (const client of both) expect(statuses(client)).toEqual(['ACTIVE', 'REVOKED']);
  });

  test('a grant that is bought through one and refunded through the other shows at clients of both', async () => {
    const userId = randomUUID();
    const money = { userId, amount: 3_000, currency: 'USD', reason: 'a test', idempotencyKey: aKey() };
    await gateways.done(0, 'adjustBalance(AdjustBalanceInput!) { errors { message } }', money);
    const purchase = { subscriptionId, payWith: 'BALANCE', idempotencyKey: aKey() };
    const { grant } = await gateways.done(0, 'purchase(PurchaseInput!) { grant { id } errors { message } }', purchase, userId);
    const both = await clientsOfBoth(userId);
    await eachHasSeen(both, 'ACTIVE');
    const refund = { grantId: grant?.id, idempotencyKey: aKey() };
    await gateways.done(1, 'refundGrant(RefundGrantInput!) { errors { message } }', refund, userId);
    await eachHasSeen(both, 'REFUNDED');
    for (const client of both) {
      expect(client.seen.map((change) => change.grant)).toEqual([
        { id: grant?.id, status: 'ACTIVE' },
        { id: grant?.id, status: 'REFUNDED' },
      ]);
    }
  });

  test('a grant paid by card, suspended by a dispute and won back, all by webhooks to one process, shows at clients of both', async () => {
    const userId = randomUUID();
    const purchase = { subscriptionId, payWith: 'CARD', idempotencyKey: aKey() };
    const { order } = await gateways.done(1, 'purchase(PurchaseInput!) { order { id } errors { message } }', purchase, userId);
    const both = await clientsOfBoth(userId);
    const orderOf = async () => {
      const [row] = await gateways.home.rows<{ session: string; payment: string }>(
        'select stripe_session_id as "session", stripe_payment_intent_id as "payment" from orders where id = $1',
        [order?.id],
      );
      return row;
    };
    const { control } = gateways.sandbox;
    control.pay((await orderOf())?.session as string, { card: '4242424242424242' });
    await eachHasSeen(both, 'ACTIVE');
    const dispute = control.openDispute({ paymentIntent: (await orderOf())?.payment as string, reason: 'fraudulent' });
    await eachHasSeen(both, 'SUSPENDED');
    control.closeDispute(dispute.id, 'won');
    await eachHasSeen(both, 'ACTIVE');
  }, 120_000);
});
