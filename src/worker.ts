import 'reflect-metadata';
import Fastify from 'fastify';
import { readConfig } from './config.js';
import { serveHealth } from './gateway/health.js';
import { watchJobs } from './gateway/job-metrics.js';
import { serveMetrics } from './gateway/metrics.js';
import { openHouse } from './house.js';
import { Shutdown } from './shutdown.js';
import { explainStartFault, StartFault, unreachable } from './start-fault.js';
import { migrate } from './stores/migrate.js';

const FAILED_START_BUDGET_MS = 5_000;
const shutdown = new Shutdown();

/** Jobs only, with health and metrics on PORT: any number of these may run beside the gateways. */
async function start(): Promise<void> {
  const config = readConfig();
  if (!config.databaseUrl)
    throw new StartFault(['DATABASE_URL: is not set. The embedded database ends with its server: give workers a Postgres.']);
  shutdown.listen(config.limits.shutdownBudgetMs);
  const { databaseUrl } = config;
  await migrate(databaseUrl).catch((error: unknown) => {
    throw unreachable('DATABASE_URL', databaseUrl, error);
  });
  const house = await openHouse(config, databaseUrl);
  shutdown.add('the stores', () => house.close());
  const app = Fastify({ logger: false });
  const checks = { database: () => house.database.pool.query('select 1'), jobs: () => house.jobStore.state() };
  serveHealth(app, checks, () => false);
  watchJobs(house.metrics, house.services.jobs);
  if (config.observation.metrics) serveMetrics(app, house.metrics, config.observation);
  shutdown.add('health', () => app.close());
  await app.listen({ host: config.http.host, port: config.http.port });
  shutdown.add('the jobs', () => house.jobRunner.stop());
  await house.jobRunner.start();
  console.log('The worker runs its jobs.');
}

await shutdown.during(start()).catch(async (error: unknown) => {
  // A signal in the middle of the start takes away what the start stands on.
  if (shutdown.begun) return;
  console.error(explainStartFault(error));
  await shutdown.run(FAILED_START_BUDGET_MS);
  process.exit(1);
});
