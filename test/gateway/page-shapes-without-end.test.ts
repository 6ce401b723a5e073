import { expect, test } from '@jest/globals';
import { createExecutor } from '../../src/gateway/graphql/execute.js';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { createContext } from '../../src/resolvers/context.js';
import { historyKit } from './accounts-kit.js';
import { pageLimits, preparedOperations, runPrepared } from './run-prepared.js';

test('A viewer who sends ever new shapes of a page does not slow the pages of other clients: each is still read by one statement', async () => {
  const kit = await historyKit();
  try {
    const schema = await composeSchema();
    const execute = createExecutor(schema, pageLimits);
    const operations = preparedOperations(schema, 10_000_000);
    const send = async (query: string, userId: string) => {
      const caller = { userId, role: 'VIEWER' } as const;
      const context = createContext({ caller, requestId: 'test', services: kit.services, now: new Date() });
      kit.statements.length = 0;
      const { data, errors } = await runPrepared(operations, execute, { query, context });
      expect(errors).toBeUndefined();
      return { data: JSON.parse(JSON.stringify(data)), statements: [...kit.statements] };
    };
    const viewer = await kit.past.viewer();
    const other = await kit.past.viewer();
    // A shape is planned when it comes again.
    for (let shape = 0; shape < 210; shape++) {
      for (const time of [1, 2]) await send(`{ me { a${shape}: userId v${time}: balance { version } } }`, viewer);
      await send(`{ me { a${shape}: userId v1: balance { version } } }`, viewer);
    }
    const page = '{ me { userId balance { version } } }';
    await send(page, other);
    const { data, statements } = await send(page, other);
    expect(statements).toEqual([expect.stringMatching(/^account-page-/)]);
    expect(data).toEqual({ me: { userId: other, balance: { version: expect.any(Number) } } });
  } finally {
    await kit.drop();
  }
});
