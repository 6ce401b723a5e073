import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { tokenFor } from '../gateway/gateway-kit.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { aKey } from '../support/shop.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { type Following, follow } from './following-client.js';
import { range, until } from './live-scene.js';
import { describeWithRedisServer, RedisServer } from './redis-server.js';

interface Change {
  cursor: string;
  balance: { version: number; posted: { amount: number } };
}

const query = 'subscription ($after: String) { balanceChanged(after: $after) { cursor balance { version posted { amount } } } }';
const adjust = `mutation ($input: AdjustBalanceInput!) {
  adjustBalance(input: $input) { balance { version } errors { code message } }
}`;

describeWithRedisServer('two gateway processes, as they are shipped', () => {
  let home: TestDatabase;
  let redis: RedisServer;
  let admin: string;
  const gateways: GatewayProcess[] = [];

  const gatewayAt = (index: number) => gateways[index % gateways.length] as GatewayProcess;

  beforeAll(async () => {
    home = await testDatabase();
    redis = await RedisServer.start();
    admin = await tokenFor({ role: 'admin', expiresInSeconds: 3_600 });
    for (const runJobs of [true, false]) {
      const environment = { DATABASE_URL: home.url, REDIS_URL: redis.url, RUN_JOBS: String(runJobs) };
      gateways.push(await GatewayProcess.on(environment));
    }
    for (const gateway of gateways) await gateway.start();
  }, 60_000);
  afterAll(async () => {
    for (const gateway of gateways) await gateway.close();
    await redis.close();
    await home.drop();
  });

  /** One unit into the balance, asked of one gateway after the other until one has done it. */
  async function change(userId: string, first: number): Promise<void> {
    const input = { userId, amount: 1, currency: 'USD', reason: 'a test', idempotencyKey: aKey() };
    for (let attempt = first; ; attempt++) {
      const response = await fetch(`${gatewayAt(attempt).url}/graphql`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${admin}` },
        body: JSON.stringify({ query: adjust, variables: { input } }),
      }).catch(() => null);
      const answer = (await response?.json().catch(() => null)) as {
        data?: { adjustBalance?: { errors: unknown[]; balance: object | null } };
      } | null;
      if (answer?.data?.adjustBalance?.errors.length === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function followOn<Item extends { cursor: string } = Change>(
    index: number,
    userId: string,
    expiresInSeconds = 3_600,
    operation = { field: 'balanceChanged', query },
  ): Promise<Following<Item>> {
    let token = await tokenFor({ userId, expiresInSeconds });
    return follow<Item>({
      url: () => `${gatewayAt(index).url.replace('http', 'ws')}/graphql`,
      token: () => {
        const present = token;
        void tokenFor({ userId, expiresInSeconds }).then((next) => {
          token = next;
        });
        return present;
      },
      ...operation,
    });
  }

  /** A gift whose time is over in so many seconds. */
  async function grantFor(userId: string, seconds: number): Promise<Date> {
    const id = randomUUID();
    const statements = [
      `insert into balances (user_id, currency, created_at, updated_at) values ($1, 'USD', now(), now())`,
      `insert into subscriptions (id, title, description, status, created_at, updated_at) values ($1, 'Plan', '', 'ACTIVE', now(), now())`,
      `insert into subscription_versions (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
       values ($1, $1, 1, 1, 1, 1, 'USD', 1, now())`,
    ];
    for (const [index, statement] of statements.entries()) await home.rows(statement, [index === 0 ? userId : id]);
    const [grant] = await home.rows<{ availableUntil: Date }>(
      `insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at,
         available_until, reason, actor_id)
       values ($1, $2, $1, 'ACTIVE', 'GIFT', 1, 1, 'USD', now(), now() + $3 * interval '1 second', 'a test', $1)
       returning available_until as "availableUntil"`,
      [id, userId, seconds],
    );
    return grant?.availableUntil as Date;
  }

  test('a change made through one arrives at a client of the other; a token that expires is only a new connection', async () => {
    const userId = randomUUID();
    const client = await followOn(1, userId, 2);
    await until(() => client.seen.length === 1, 'the present state');
    await change(userId, 0);
    // The sweep is 30 s away while Redis is heard.
    await until(() => client.seen.length === 2, 'the change', 10_000);
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    await change(userId, 0);
    await until(() => client.seen.length === 3, 'the change after the token has expired');
    expect(client.seen.map((item) => item.balance.version)).toEqual([0, 1, 2]);
    await client.stop();
  });

  const grantOperation = {
    field: 'grantChanged',
    query: 'subscription ($after: String) { grantChanged(after: $after) { cursor grant { id status } } }',
  };
  type GrantChange = { cursor: string; grant: { id: string; status: string } };

  test('a grant that expires shows at a client of the gateway that runs no jobs, within 2 s of its time and not before', async () => {
    // The shortest of several waits tells what the product does; the longest also what else the machine was busy with.
    const lateMs = await Promise.all(
      [3, 3.4, 3.8, 4.2, 4.6].map(async (seconds) => {
        const userId = randomUUID();
        const availableUntil = await grantFor(userId, seconds);
        const client = await followOn<GrantChange>(1, userId, 3_600, grantOperation);
        await until(() => client.seen.length === 2, 'the end of the grant');
        const late = Date.now() - availableUntil.getTime();
        expect(client.seen.map((item) => item.grant.status)).toEqual(['ACTIVE', 'EXPIRED']);
        await client.stop();
        return late;
      }),
    );
    process.stdout.write(`grants' ends arrived ${lateMs.join(', ')} ms after their time\n`);
    expect(Math.min(...lateMs)).toBeGreaterThanOrEqual(0);
    expect(Math.min(...lateMs)).toBeLessThan(2_000);
    expect(Math.max(...lateMs)).toBeLessThan(10_000);
  });

  test('a grant that is revoked through one shows at clients of both', async () => {
    const userId = randomUUID();
    await grantFor(userId, 3_600);
    const clients = await Promise.all([0, 1].map((index) => followOn<GrantChange>(index, userId, 3_600, grantOperation)));
    await until(() => clients.every((client) => client.seen.length === 1), 'the present state');
    const id = clients[0]?.seen[0]?.grant.id;
    const query = `mutation { revokeGrant(input: { grantId: "${id}", reason: "a test" }) { errors { message } } }`;
    const response = await fetch(`${gatewayAt(0).url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${admin}` },
      body: JSON.stringify({ query }),
    });
    expect(await response.json()).toEqual({ data: { revokeGrant: { errors: [] } } });
    for (const client of clients) {
      await until(() => client.seen.length === 2, 'the change', 10_000);
      expect(client.seen.map((item) => item.grant.status)).toEqual(['ACTIVE', 'REVOKED']);
      await client.stop();
    }
  });

  test('readiness and metrics show that Redis is away, and the gateways serve on', async () => {
    await redis.kill();
    const state = async () => (await gatewayAt(0).readiness())?.dependencies.hints?.state;
    const heard = async () =>
      /^boxoffice_live_hints_heard (\d)$/m.exec(await (await fetch(`${gatewayAt(0).url}/metrics`)).text())?.[1];
    await until(async () => (await state()) === 'DOWN', 'DOWN');
    expect(await heard()).toBe('0');
    expect((await gatewayAt(0).readiness())?.status).toBe('ready');
    await redis.start();
    await until(async () => (await state()) === 'CONNECTED', 'CONNECTED');
    expect(await heard()).toBe('1');
  });

  test('1,000 changes while sockets break, gateways are killed and Redis dies: exactly what the database has', async () => {
    const total = 1_000;
    const viewers = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
    const clients = await Promise.all(range(0, 7).map((index) => followOn(index, viewers[index >> 1] as string)));
    await until(() => clients.every((client) => client.seen.length === 1), 'all present');
    let done = 0;
    const writers = viewers.map(async (userId) => {
      for (const number of range(1, total / viewers.length)) {
        await change(userId, number);
        done++;
      }
    });
    const trouble = (async () => {
      for (let round = 0; done < total; round++) {
        clients[(round * 3) % clients.length]?.cut();
        if (round % 10 === 4) {
          await gatewayAt(round / 2).end(round % 20 === 4 ? 'SIGKILL' : 'SIGTERM');
          await gatewayAt(round / 2).start();
        }
        if (round % 10 === 8) {
          await redis.kill();
          await new Promise((resolve) => setTimeout(resolve, 100));
          await redis.start();
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    })();
    await Promise.all([...writers, trouble]);
    const last = total / viewers.length;
    await until(() => clients.every((client) => client.seen.at(-1)?.balance.version === last), 'everyone has the last', 30_000);
    const rows = await home.rows<{ user_id: string; versions: number[] }>(
      'select user_id, array_agg(version order by version) as versions from live_events where user_id = any($1) group by 1',
      [viewers],
    );
    for (const [index, client] of clients.entries()) {
      const inDatabase = rows.find((row) => row.user_id === viewers[index >> 1])?.versions;
      expect(client.seen.map((item) => item.balance.version)).toEqual([0, ...(inDatabase ?? [])]);
      expect(client.seen.every((item) => item.balance.posted.amount === item.balance.version)).toBe(true);
      await client.stop();
    }
  }, 180_000);
});
