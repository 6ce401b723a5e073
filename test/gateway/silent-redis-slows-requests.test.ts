import { once } from 'node:events';
import net from 'node:net';
import { expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import { RedisOpenSessions } from '../../src/stores/open-sessions.js';
import { connectRedis } from '../../src/stores/redis.js';
import { describeWithRedisServer } from '../live/redis-server.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { startGateway, stubServices, tokenFor } from './gateway-kit.js';

const services = stubServices({ purchases: { topUp: async () => ({ errors: [] }) } });
const TOP_UP = 'mutation { topUp(input: { amount: 500, currency: "EUR", idempotencyKey: "12345678" }) { errors { code } } }';

/** How a command ended: 'answered', or the name and message of its error. */
const endOf = (command: Promise<unknown>) =>
  command.then(
    () => 'answered',
    (error: Error) => (error.name === 'RedisSilent' ? error.name : error.message),
  );

/** Counts the commands of a connection that waited in vain, from now on. */
function countTimeouts(redis: Redis): { readonly count: number } {
  const timeouts = { count: 0 };
  const send = redis.sendCommand.bind(redis);
  redis.sendCommand = (command, stream) => {
    const sent = send(command, stream);
    command.promise.catch((error: Error) => {
      if (error.message === 'Command timed out') timeouts.count++;
    });
    return sent;
  };
  return timeouts;
}

async function withRedis(work: (server: RedisServer) => Promise<void>): Promise<void> {
  const server = await RedisServer.start();
  try {
    await work(server);
  } finally {
    await server.close();
  }
}

describeWithRedisServer('a Redis that stops answering', () => {
  test('is not waited for again after the first timeout, and is asked again once it answers', () =>
    withRedis(async (server) => {
      const redis = connectRedis({ url: server.url, commandTimeoutMs: 100, retryAfterMs: 50 });
      try {
        await once(redis, 'ready');
        server.signal('SIGSTOP');
        expect(await endOf(redis.get('a'))).toBe('Command timed out');
        const ends = [];
        for (let index = 0; index < 50; index++) ends.push(await endOf(redis.get('a')));
        expect(ends).not.toContain('Command timed out');
        server.signal('SIGCONT');
        await until(async () => (await endOf(redis.get('a'))) === 'answered', 'Redis is asked again');
      } finally {
        redis.disconnect();
      }
    }));

  test('is tried again by one command of our own, and by none of a request', () =>
    withRedis(async (server) => {
      const redis = connectRedis({ url: server.url, commandTimeoutMs: 200, retryAfterMs: 100 });
      const monitor = new Redis(server.url);
      try {
        await once(redis, 'ready');
        await redis.set('counted', 0);
        await monitor.client('PAUSE', 400, 'ALL');
        expect(await endOf(redis.get('counted'))).toBe('Command timed out');
        expect(await endOf(redis.incr('counted'))).toBe('RedisSilent');
        await until(async () => (await endOf(redis.get('counted'))) === 'answered', 'the pause is over');
        // What was refused was not sent either.
        expect(await redis.get('counted')).toBe('0');
      } finally {
        redis.disconnect();
        monitor.disconnect();
      }
    }));

  test('costs a gateway one timeout, not one for each request, and counts together again afterwards', () =>
    withRedis(async (server) => {
      const environment = {
        REDIS_URL: server.url,
        REDIS_COMMAND_TIMEOUT_MS: '1000',
        REDIS_RETRY_AFTER_MS: '100',
        RATE_LIMIT_MONEY_COUNT: '4',
      };
      const timeouts: { readonly count: number }[] = [];
      const counting: typeof connectRedis = (settings, options) => {
        const redis = connectRedis(settings, options);
        timeouts.push(countTimeouts(redis));
        return redis;
      };
      const nodes = [
        await startGateway({ services, environment, connectRedis: counting }),
        await startGateway({ services, environment }),
      ];
      const codesOf = async (nodeOf: (index: number) => number) => {
        const token = await tokenFor();
        const codes: unknown[] = [];
        for (let index = 0; index < 6; index++) {
          const answer = await nodes[nodeOf(index)]?.ask(TOP_UP, { token });
          codes.push(answer?.errors?.[0]?.extensions.code ?? 'served');
        }
        return codes.join(' ');
      };
      const fourOfSix = 'served served served served RATE_LIMITED RATE_LIMITED';
      try {
        await until(async () => (await codesOf((index) => index % 2)) === fourOfSix, 'counting together');
        server.signal('SIGSTOP');
        const before = timeouts.reduce((sum, { count }) => sum + count, 0);
        for (let round = 0; round < 6; round++) expect(await codesOf(() => 0)).toBe(fourOfSix);
        const waited = timeouts.reduce((sum, { count }) => sum + count, 0) - before;
        // A request counts twice, and may send both before the first has timed out.
        expect([1, 2]).toContain(waited);
        server.signal('SIGCONT');
        await until(async () => (await codesOf((index) => index % 2)) === fourOfSix, 'counting together again');
      } finally {
        server.signal('SIGCONT');
        for (const node of nodes) await node.stop();
      }
    }));

  test('does not hold up the search for an open checkout session', () =>
    withRedis(async (server) => {
      const sessions = new RedisOpenSessions({ url: server.url, commandTimeoutMs: 300, retryAfterMs: 60_000 });
      const subject = { userId: 'viewer', versionId: null, amount: 500, currency: 'USD' };
      try {
        await until(async () => {
          sessions.keep(subject, 'order', new Date(60_000), new Date(0));
          return (await sessions.find(subject)) === 'order';
        }, 'the session is remembered');
        server.signal('SIGSTOP');
        const timeouts = countTimeouts((sessions as unknown as { redis: Redis }).redis);
        for (let index = 0; index < 100; index++) expect(await sessions.find(subject)).toBeNull();
        expect(timeouts.count).toBe(1);
      } finally {
        await sessions.close();
      }
    }));
});

test('A Redis that accepts connections and never answers at all holds up no command', async () => {
  const connections: net.Socket[] = [];
  const server = net.createServer((socket) => connections.push(socket)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `redis://127.0.0.1:${(server.address() as net.AddressInfo).port}`;
  const redis = connectRedis({ url, commandTimeoutMs: 100, retryAfterMs: 50 });
  try {
    // Through several attempts to connect.
    while (connections.length < 3) {
      expect(await endOf(redis.get('a'))).not.toBe('Command timed out');
      await new Promise((resolve) => setImmediate(resolve));
    }
  } finally {
    redis.disconnect();
    for (const socket of connections) socket.destroy();
    server.close();
  }
});
