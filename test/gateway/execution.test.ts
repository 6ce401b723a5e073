import { describe, expect, test } from '@jest/globals';
import { parse } from 'graphql';
import { createExecutor } from '../../src/gateway/execution.js';
import { composeSchema } from '../../src/gateway/schema.js';
import { createContext } from '../../src/resolvers/context.js';
import { stubServices } from './gateway-kit.js';

const caller = { userId: '01900000-0000-7000-8000-000000000001', role: 'VIEWER' } as const;

describe('what is kept of compiled operations', () => {
  /** A program shows by its way to the answer: one statement for all of it. */
  async function programsRun(cacheCount: number, documentCount: number, rounds: number): Promise<number> {
    let count = 0;
    const accountPage = async () => {
      count++;
      return '{}';
    };
    const services = stubServices({ history: { accountPage, balances: async () => [], rows: async () => [] } });
    const run = createExecutor(await composeSchema(), cacheCount);
    const documents = Array.from({ length: documentCount }, (_, index) =>
      parse(`{ me { a${index}: userId balance { version } } }`),
    );
    for (let round = 0; round < rounds; round++) {
      for (const document of documents) {
        const context = createContext({ caller, requestId: 'test', services, now: new Date() });
        await run({ document, operationName: undefined, variables: {}, context });
      }
    }
    return count;
  }

  test('is every operation that comes again, where there is room', async () => {
    expect(await programsRun(10, 5, 3)).toBe(10);
    expect(await programsRun(2, 2, 3)).toBe(4);
  });

  test('is never more than the cache may hold: five in turn push one another out of a cache for two', async () => {
    expect(await programsRun(2, 5, 3)).toBe(0);
  });
});
