import { expect, test } from '@jest/globals';
import { createExecutor } from '../../src/gateway/graphql/execute.js';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { createContext } from '../../src/resolvers/context.js';
import { Database } from '../../src/stores/database.js';
import { accountsOf, historyKit } from './accounts-kit.js';
import { stubServices } from './gateway-kit.js';
import { pageLimits, preparedOperations, runPrepared } from './run-prepared.js';

test.each(['Europe/Berlin', 'Asia/Kolkata', 'America/St_Johns'])(
  'The page that one statement writes has the same instants in a session in %s',
  async (zone) => {
    const kit = await historyKit();
    const userId = await kit.past.viewer();
    await kit.past.topUp(userId, 10_000);
    await kit.past.grant(userId);
    const foreign = new Database({ url: kit.db.url, poolSize: 1, statementTimeoutMs: 10_000, connectionTimeoutMs: 5_000 });
    // As if nobody had set it: after our own settings, before the first statement.
    foreign.pool.on('connect', (client) => void client.query(`set timezone = '${zone}'`));
    try {
      const schema = await composeSchema();
      const query =
        '{ me { balance { updatedAt } grants { nodes { grantedAt availableUntil } edges { cursor } } transactions { nodes { createdAt } } } }';
      const read = async (database: Database) => {
        const accounts = accountsOf(database);
        const executor = createExecutor(schema, pageLimits, (error) => {
          throw error;
        });
        const operations = preparedOperations(schema);
        const send = () => {
          const services = stubServices({ accounts });
          const context = createContext({ caller: { userId, role: 'VIEWER' }, requestId: 'test', services, now: new Date() });
          return runPrepared(operations, executor, { query, context });
        };
        await send();
        return JSON.parse(JSON.stringify(await send()));
      };
      expect((await foreign.pool.query('show timezone')).rows).toEqual([{ TimeZone: zone }]);
      const inZone = await read(foreign);
      expect(inZone).toEqual(await read(kit.db.database));
      const [row] = await kit.db.rows<{ granted_at: Date }>('select granted_at from grants');
      expect(inZone.data.me.grants.nodes[0].grantedAt).toBe(row?.granted_at.toISOString());
    } finally {
      await foreign.close();
      await kit.drop();
    }
  },
);
