import 'reflect-metadata';
import Fastify from 'fastify';
import { readConfig } from './config.js';
import { serveHealth } from './gateway/health.js';
import { openHouse } from './house.js';
import { Shutdown } from './shutdown.js';
import { explainStartError } from './start-errors.js';
import { migrate } from './stores/migrate.js';

const shutdown = new Shutdown();

/** Jobs only, and health on PORT: any number of these may run beside the gateways. */
async function start(): Promise<void> {
  const config = readConfig();
  if (!config.databaseUrl) throw new Error('A worker needs DATABASE_URL: the embedded database serves one process only.');
  shutdown.listen(config.limits.shutdownBudgetMs);
  await migrate(config.databaseUrl);
  const house = await openHouse(config, config.databaseUrl);
  shutdown.add('the stores', () => house.close());
  const app = Fastify({ logger: false });
  serveHealth(app, { database: () => house.database.pool.query('select 1') }, () => false);
  shutdown.add('health', () => app.close());
  await app.listen({ host: config.http.host, port: config.http.port });
  shutdown.add('the jobs', () => house.jobRunner.stop());
  await house.jobRunner.start();
  console.log('The worker runs its jobs.');
}

await start().catch(async (error: unknown) => {
  console.error(explainStartError(error));
  await shutdown.run();
  process.exit(1);
});
