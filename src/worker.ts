import './runtime/supported-node.js';
import 'reflect-metadata';
import Fastify from 'fastify';
import { type App, openApp } from './app.js';
import { readConfig } from './config/config.js';
import { boundPipelining, ConnectionGuard } from './gateway/http/connection-guard.js';
import { serverTimeouts } from './gateway/http/server-timeouts.js';
import { serveHealth } from './observability/health.js';
import { watchJobs, watchVerification } from './observability/job-metrics.js';
import { serveMetrics } from './observability/metrics.js';
import { runProcess, Shutdown } from './runtime/lifecycle.js';
import { checkPorts } from './runtime/ports.js';
import { StartupError } from './runtime/startup-error.js';
import { probeDatabase } from './stores/database-probe.js';
import { prepareDatabase } from './stores/migrate.js';

const shutdown = new Shutdown();

/** Runs jobs only, and serves health and metrics on PORT. Any number of workers may run next to the gateways. */
async function start(): Promise<void> {
  const config = readConfig();
  if (!config.databaseUrl)
    throw new StartupError([
      'DATABASE_URL: is not set. Workers cannot use the embedded database, which stops with its server. Set the URL of a Postgres server.',
    ]);
  shutdown.listen(config.limits.shutdownBudgetMs);
  await checkPorts(config.http);
  await prepareDatabase(config, config.databaseUrl);
  const app = await openApp(config, config.databaseUrl);
  shutdown.add('the stores', () => app.close());
  const server = Fastify({ logger: false, ...serverTimeouts(config.limits) });
  boundPipelining(server, config.limits.pipelinedRequestsCount);
  const connectionsMaximumCount = config.limits.httpConnectionsMaximumCount;
  const connections = new ConnectionGuard(server.server, { ...config.limits, connectionsMaximumCount });
  const checks = {
    database: () => probeDatabase(app.database),
    clock: () => clockState(app),
    jobs: () => app.jobStore.state(),
  };
  const cacheMs = config.limits.probeCacheMs;
  serveHealth(server, { checks, isStopping: () => false, logger: app.logger, cacheMs });
  watchJobs(app.metrics, app.services.jobs);
  watchVerification(app.metrics, app.services.verification);
  if (config.observation.metrics) serveMetrics(server, app.metrics, { ...config.observation, cacheMs });
  shutdown.add('health', async () => {
    connections.shorten(config.limits.socketCloseGraceMs);
    await server.close();
    connections.stop();
  });
  await server.listen({ host: config.http.host, port: config.http.port });
  shutdown.add('the jobs', () => app.jobRunner.stop());
  await app.jobRunner.start();
  if (config.production) app.logger.info({ port: config.http.port }, 'the worker is running jobs');
  else console.log('The worker is running jobs.');
}

/** A worker with a wrong clock runs no jobs, so it is not ready. */
async function clockState({ clock }: App): Promise<string> {
  if (clock.isInStep()) return 'IN_STEP';
  throw new Error(`this clock differs from the database's by ${clock.differenceMs()} ms`);
}

await runProcess(shutdown, start);
