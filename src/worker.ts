import './supported-node.js';
import 'reflect-metadata';
import Fastify from 'fastify';
import { begin } from './begin.js';
import { readConfig } from './config.js';
import { serveHealth } from './gateway/health.js';
import { watchJobs } from './gateway/job-metrics.js';
import { serveMetrics } from './gateway/metrics.js';
import { serverTimeouts } from './gateway/server-timeouts.js';
import { type House, openHouse } from './house.js';
import { prepareDatabase } from './migrate-at-start.js';
import { Shutdown } from './shutdown.js';
import { checkPorts, StartFault } from './start-fault.js';
import { probeDatabase } from './stores/database-probe.js';

const shutdown = new Shutdown();

/** Jobs only, with health and metrics on PORT: any number of these may run beside the gateways. */
async function start(): Promise<void> {
  const config = readConfig();
  if (!config.databaseUrl)
    throw new StartFault(['DATABASE_URL: is not set. The embedded database ends with its server: give workers a Postgres.']);
  shutdown.listen(config.limits.shutdownBudgetMs);
  await checkPorts(config.http);
  await prepareDatabase(config, config.databaseUrl);
  const house = await openHouse(config, config.databaseUrl);
  shutdown.add('the stores', () => house.close());
  const app = Fastify({ logger: false, ...serverTimeouts(config.limits) });
  const checks = {
    database: () => probeDatabase(house.database),
    clock: () => clockState(house),
    jobs: () => house.jobStore.state(),
  };
  const cacheMs = config.limits.probeCacheMs;
  serveHealth(app, { checks, isStopping: () => false, logger: house.logger, cacheMs });
  watchJobs(house.metrics, house.services.jobs);
  if (config.observation.metrics) serveMetrics(app, house.metrics, { ...config.observation, cacheMs });
  shutdown.add('health', () => app.close());
  await app.listen({ host: config.http.host, port: config.http.port });
  shutdown.add('the jobs', () => house.jobRunner.stop());
  await house.jobRunner.start();
  if (config.production) house.logger.info({ port: config.http.port }, 'the worker runs its jobs');
  else console.log('The worker runs its jobs.');
}

/** A worker whose clock is wrong runs nothing: it is not ready. */
async function clockState({ clock }: House): Promise<string> {
  if (clock.isInStep()) return 'IN_STEP';
  throw new Error(`this clock differs from the database's by ${clock.differenceMs()} ms`);
}

await begin(shutdown, start);
