import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CLOCK_TOLERANCE_SECONDS } from '../../src/gateway/auth.js';
import { tokenFor } from '../gateway/gateway-kit.js';
import { until } from '../support/until.js';
import { range } from './live-scene.js';
import { describeWithRedisServer } from './redis-server.js';
import { RawSocket } from './socket-scene.js';
import { TwoGateways } from './two-gateways.js';

let gateways: TwoGateways;
/** `npm run takeover` makes 1,000 changes and more; the suite kills each gateway once, and Redis twice. */
const FULL = process.env.LIVE_FULL === 'true';
const CHANGES_PER_VIEWER = FULL ? 250 : 80;
const ROUNDS = FULL ? 40 : 20;
/** Such a token is refused in two seconds: the server's clock may be ahead by the tolerance. */
const TWO_SECONDS = 2 - CLOCK_TOLERANCE_SECONDS;

describeWithRedisServer('two gateway processes, as they are shipped', () => {
  beforeAll(async () => {
    gateways = await TwoGateways.start();
  }, 120_000);
  afterAll(async () => {
    await gateways.close();
  });

  test('a change made through one arrives at a client of the other; a token that expires is only a new connection', async () => {
    const userId = randomUUID();
    const client = await gateways.followBalance(1, userId, TWO_SECONDS);
    await until(() => client.seen.length === 1, 'the present state');
    await gateways.change(userId, 0);
    // The sweep is 30 s away while Redis is heard.
    await until(() => client.seen.length === 2, 'the change', 10_000);
    await until(() => client.connections() > 1, 'a new connection, with another token');
    await gateways.change(userId, 0);
    await until(() => client.seen.length === 3, 'the change after the token has expired');
    expect(client.seen.map((item) => item.balance.version)).toEqual([0, 1, 2]);
    await client.stop();
  });

  test('4403: a socket is closed when its token expires', async () => {
    const socket = await RawSocket.bare(gateways.socketUrl(1));
    socket.send({ type: 'connection_init', payload: { token: await tokenFor({ expiresInSeconds: TWO_SECONDS }) } });
    expect(await socket.closing()).toEqual({ code: 4403, reason: 'Token expired' });
    // It was good when it came.
    expect(socket.messages.map(({ type }) => type)).toEqual(['connection_ack']);
  });

  test('readiness and metrics show that Redis is away, and the gateways serve on', async () => {
    const [gateway] = gateways.processes;
    await gateways.redis.kill();
    const state = async () => (await gateway.readiness())?.dependencies.hints?.state;
    const heard = async () =>
      /^boxoffice_live_hints_heard (\d)$/m.exec(await (await fetch(`${gateway.url}/metrics`)).text())?.[1];
    await until(async () => (await state()) === 'DOWN', 'DOWN');
    expect(await heard()).toBe('0');
    expect((await gateway.readiness())?.status).toBe('ready');
    await gateways.redis.start();
    await until(async () => (await state()) === 'CONNECTED', 'CONNECTED');
    expect(await heard()).toBe('1');
  });

  /** Cuts sockets constantly, and now and then ends and restarts a gateway or Redis; returns what happened. */
  async function makeTrouble(clients: readonly { cut(): boolean }[]) {
    const happened = { cuts: 0, ended: [] as string[], redisKills: 0 };
    for (const round of range(0, ROUNDS - 1)) {
      if (clients[(round * 5) % clients.length]?.cut()) happened.cuts++;
      if (round % 10 === 4) {
        const turn = Math.floor(round / 10);
        const signal = turn < ROUNDS / 20 ? 'SIGKILL' : 'SIGTERM';
        if (gateways.at(turn).isRunning()) happened.ended.push(`${turn % 2} ${signal}`);
        await gateways.at(turn).end(signal);
        await gateways.at(turn).start();
      }
      if (round % 10 === 8) {
        if (await gateways.redis.kill()) happened.redisKills++;
        await new Promise((resolve) => setTimeout(resolve, 100));
        await gateways.redis.start();
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return happened;
  }

  test(`${4 * CHANGES_PER_VIEWER} changes and more while sockets break, gateways are killed and Redis dies: exactly what the database has`, async () => {
    const viewers = range(1, 4).map(() => randomUUID());
    const subscriptionId = await gateways.putOnSale();
    for (const userId of viewers) await gateways.gift(userId, subscriptionId, 0);
    const watchers = range(0, 7).map((index) => ({ index, userId: viewers[index >> 1] as string }));
    const balances = await Promise.all(watchers.map(({ index, userId }) => gateways.followBalance(index, userId)));
    const grants = await Promise.all(watchers.map(({ index, userId }) => gateways.followGrants(index, userId)));
    const clients = [...balances, ...grants];
    await until(() => clients.every((client) => client.seen.length === 1), 'all present');
    let troubled = true;
    const writers = viewers.map(async (userId) => {
      for (let number = 1; number <= CHANGES_PER_VIEWER || troubled; number++) {
        await gateways.change(userId, number);
        if (number % 5 === 0) await gateways.gift(userId, subscriptionId, number);
        // Enough are written; the trouble is still to meet some.
        if (number > CHANGES_PER_VIEWER) await new Promise((resolve) => setTimeout(resolve, 50));
      }
    });
    const trouble = makeTrouble(clients).finally(() => {
      troubled = false;
    });
    const [happened] = await Promise.all([trouble, ...writers]);
    process.stdout.write(`${JSON.stringify(happened)}\n`);
    expect(happened.ended).toEqual(FULL ? ['0 SIGKILL', '1 SIGKILL', '0 SIGTERM', '1 SIGTERM'] : ['0 SIGKILL', '1 SIGTERM']);
    expect(happened.redisKills).toBe(ROUNDS / 10);
    expect(happened.cuts).toBeGreaterThan(ROUNDS / 4);
    const rows = await gateways.home.rows<{ userId: string; versions: number[]; grantIds: string[] }>(
      `select user_id as "userId", array_agg(version order by sequence) filter (where version is not null) as "versions",
         array_agg(subject_id order by sequence) filter (where kind = 'GRANT') as "grantIds"
       from journal where user_id = any($1) group by 1`,
      [viewers],
    );
    const written = new Map(rows.map((row) => [row.userId, row]));
    for (const [place, { userId }] of watchers.entries()) {
      const { versions = [], grantIds = [] } = written.get(userId) ?? {};
      // A hint lost on its way is found by the next sweep, 30 s later at most.
      const [balance, grant] = [balances[place], grants[place]];
      await until(() => balance?.seen.at(-1)?.balance.version === versions.at(-1), 'the last version', 60_000);
      await until(() => grant?.seen.at(-1)?.grant.id === grantIds.at(-1), 'the last grant', 60_000);
      expect(versions.length).toBeGreaterThanOrEqual(CHANGES_PER_VIEWER);
      expect(balance?.seen.map((item) => item.balance.version)).toEqual([0, ...versions]);
      expect(balance?.seen.every((item) => item.balance.posted.amount === item.balance.version)).toBe(true);
      expect(grant?.seen.map((item) => item.grant.id)).toEqual(grantIds);
    }
    // Each has lost its connection more than once.
    expect(Math.min(...clients.map((client) => client.connections()))).toBeGreaterThan(FULL ? 2 : 1);
    for (const client of clients) await client.stop();
  }, 300_000);
});
