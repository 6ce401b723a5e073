import { expect, test } from '@jest/globals';
import { describeWithRedisServer } from '../live/redis-server.js';
import { RedisServer } from '../support/redis-server.js';
import { until } from '../support/until.js';
import { startGateway, stubServices, tokenFor } from './gateway-kit.js';

const services = stubServices({ purchases: { topUp: async () => ({ errors: [] }) } });
const TOP_UP = 'mutation { topUp(input: { amount: 500, currency: "EUR", idempotencyKey: "12345678" }) { errors { code } } }';

describeWithRedisServer('rates with Redis', () => {
  test('count over all nodes together, and on each alone while Redis is down', async () => {
    const redis = await RedisServer.start();
    const environment = { REDIS_URL: redis.url, RATE_LIMIT_MONEY_COUNT: '4' };
    const nodes = [await startGateway({ services, environment }), await startGateway({ services, environment })];
    try {
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
      // Until both nodes have reached Redis, each counts for itself.
      await until(async () => (await codesOf((index) => index % 2)) === fourOfSix, 'counting together');
      expect(await codesOf((index) => index % 2)).toBe(fourOfSix);
      await redis.close();
      expect(await codesOf(() => 0)).toBe(fourOfSix);
      expect(await codesOf((index) => index % 2)).toBe('served served served served served served');
    } finally {
      for (const node of nodes) await node.stop();
      await redis.close();
    }
  });
});
