import type { Logger } from 'pino';
import { type Config, type Limits, STRIPE_URL } from './config/config.js';
import { secretsOf } from './config/secrets.js';
import type { DocumentRunnerParts, Engine, EngineParts } from './gateway/graphql/engine.js';
import { jobDefinitions } from './jobs/jobs.js';
import { JobRunner } from './jobs/scheduler.js';
import { observeCalls, watchClock, watchPool } from './observability/call-metrics.js';
import { createLogger } from './observability/logging.js';
import { createMetrics, type Metrics, watchServices } from './observability/metrics.js';
import { openTracing, type Tracing } from './observability/tracing.js';
import { systemClock } from './runtime/clock.js';
import { cachedFor, forEachSettled } from './runtime/concurrency.js';
import { createRedactor } from './runtime/redact.js';
import { StartupError, unreachable } from './runtime/startup-error.js';
import { JobStates } from './services/jobs/job-states.js';
import { Jobs } from './services/jobs/jobs.js';
import { otherCurrency } from './services/ledger/other-currency.js';
import { type AppServices, composeServices, type RunDocument } from './services/services.js';
import { Database } from './stores/database.js';
import { DatabaseClock } from './stores/database-clock.js';
import { type HintChannel, LocalHints } from './stores/hints.js';
import { type JobStore, openJobStore } from './stores/job-store.js';
import { noOpenSessions, type OpenSessions, RedisOpenSessions } from './stores/open-sessions.js';
import { RedisHints } from './stores/redis-hints.js';
import { openStripe } from './stores/stripe.js';

/** What a gateway, a worker or a command runs on: opened in order and closed in reverse order. */
export interface App {
  readonly config: Config;
  /** Product time. */
  readonly clock: DatabaseClock;
  readonly logger: Logger;
  readonly database: Database;
  readonly hints: HintChannel;
  readonly metrics: Metrics;
  /** Null if it is not configured. */
  readonly tracing: Tracing | null;
  readonly services: AppServices;
  /** Runs the jobs once it is started. */
  readonly jobRunner: JobRunner;
  readonly jobStore: Pick<JobStore, 'state'>;
  /** What GraphQL operations are executed with; loaded when it is first used, because most commands and workers run none. */
  engine(): Promise<Engine>;
  readonly runDocument: RunDocument;
  close(): Promise<void>;
}

/** How long running jobs may take to finish when the app closes. */
const JOBS_STOP_TIMEOUT_MS = 2_000;

/** In development the clock may be moved: every process with the database sees it within this time. */
export const DEVELOPMENT_CLOCK_REFRESH_MS = 250;

/** Registers how to close what was just opened. */
type Opened = (close: () => unknown) => void;

/**
 * Opens the stores and composes the services. The database must exist and be migrated. If something cannot be opened, what was opened before
 * it is closed.
 *
 * @throws StartupError or the stores' errors
 */
export async function openApp(config: Config, databaseUrl: string): Promise<App> {
  const closers: (() => unknown)[] = [];
  const close = () => forEachSettled(closers.splice(0).reverse(), async (closeOne) => closeOne());
  try {
    const stores = await openStores(config, databaseUrl, (closer) => closers.push(closer));
    return { ...composeApp(config, stores, (closer) => closers.push(closer)), close };
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
}

type Stores = Awaited<ReturnType<typeof openStores>>;

async function openStores(config: Config, databaseUrl: string, opened: Opened) {
  const tracing = await openTracing(config.observation.tracing);
  opened(() => tracing?.stop());
  const logger = createLogger(config.observation, { tracing, redact: createRedactor(secretsOf({ ...config, databaseUrl })) });
  const metrics = createMetrics();
  const observer = observeCalls(metrics, tracing);
  const { limits } = config;
  const jobStore = await openJobs(config, databaseUrl, logger);
  opened(() => jobStore.close());
  const database = new Database({
    url: databaseUrl,
    poolSize: limits.databasePoolCount,
    statementTimeoutMs: limits.databaseStatementTimeoutMs,
    connectionTimeoutMs: limits.databaseConnectTimeoutMs,
    lockTimeoutMs: limits.databaseLockTimeoutMs,
    idleTransactionTimeoutMs: limits.databaseIdleTransactionTimeoutMs,
    viewerPlaces: { maximumCount: limits.viewerStatementsMaximumCount, queueCount: limits.viewerStatementsQueueCount },
    onIdleError: (error) => logger.warn({ reason: error.message }, 'idle database connection lost'),
    observer,
  });
  opened(() => database.close());
  await requireCurrency(config, database);
  watchPool(metrics, database);
  const clock = await openClock(config, database, logger);
  opened(() => clock.close());
  requireUnmovedClock(config, clock);
  watchClock(metrics, clock);
  const hints = openHints(config, logger);
  opened(() => hints.close());
  const openSessions = openOpenSessions(config);
  opened(() => openSessions.close());
  const stripe = openStripe({
    secretKey: config.stripe.secretKey,
    apiUrl: config.stripe.apiUrl,
    timeoutMs: limits.stripeTimeoutMs,
    attemptsCount: limits.stripeAttemptsCount,
    observer,
  });
  return { tracing, logger, metrics, jobStore, database, clock, hints, stripe, openSessions };
}

function composeApp(config: Config, stores: Stores, opened: Opened): Omit<App, 'close'> {
  const { tracing, logger, metrics, jobStore, database, clock } = stores;
  const { limits } = config;
  const composed = composeServices({ ...stores, config, realClock: systemClock, watch: watchServices(metrics) });
  opened(() => composed.close());
  const states = new JobStates(database);
  const jobRunner = new JobRunner({
    store: jobStore,
    definitions: jobDefinitions(composed, limits, config.jobHours),
    states,
    // Agenda goes by the machine's clock, which knows nothing of a development offset.
    clock: clock.databaseTime,
    mayRun: () => clock.isInStep(),
    logger,
    ...(tracing && { trace: tracing.job }),
    settings: { lockLifetimeMs: limits.jobLockLifetimeMs, stopTimeoutMs: JOBS_STOP_TIMEOUT_MS },
  });
  const services = { ...composed, jobs: new Jobs(jobRunner, states, database, clock) };
  const documents = openDocuments({ config, logger, tracing, services, clock });
  const { hints } = stores;
  return { config, clock, logger, database, hints, metrics, tracing, services, jobRunner, jobStore, ...documents };
}

function openDocuments(parts: EngineParts & DocumentRunnerParts): Pick<App, 'engine' | 'runDocument'> {
  const load = cachedFor(Number.POSITIVE_INFINITY, async () => {
    const { createDocumentRunner, createEngine } = await import('./gateway/graphql/engine.js');
    const engine = await createEngine(parts);
    return { engine, run: createDocumentRunner(engine, parts) };
  });
  return {
    engine: async () => (await load()).engine,
    runDocument: async (document, variables, caller) => (await load()).run(document, variables, caller),
  };
}

/** @throws StartupError when the database has balances or prices in a currency other than CURRENCY. */
async function requireCurrency({ currency }: Config, database: Database): Promise<void> {
  const other = await otherCurrency(database, currency);
  if (!other) return;
  throw new StartupError([
    `CURRENCY: is ${currency}, but there are ${other.what} in ${other.currency}. Set it to ${other.currency}, or use another database.`,
  ]);
}

const isRealStripe = ({ production, stripe }: Config) => production || stripe.apiUrl === STRIPE_URL;

/** @throws StartupError when the database's clock was moved in development, while Stripe and viewers go by the real time. */
function requireUnmovedClock(config: Config, { offsetMs }: DatabaseClock): void {
  if (offsetMs === 0 || !isRealStripe(config)) return;
  throw new StartupError([
    `DATABASE_URL: product time in this database was moved forward by ${offsetMs} ms in development. Use another database with a real Stripe account.`,
  ]);
}

/** @throws Postgres' error. */
function openClock(config: Config, { pool }: Database, logger: Logger): Promise<DatabaseClock> {
  const { limits } = config;
  return DatabaseClock.open(pool, {
    refreshIntervalMs: isRealStripe(config)
      ? limits.clockRefreshIntervalMs
      : Math.min(limits.clockRefreshIntervalMs, DEVELOPMENT_CLOCK_REFRESH_MS),
    differenceMaximumMs: limits.clockDifferenceMaximumMs,
    onStepChange: (inStep, differenceMs) =>
      inStep
        ? logger.warn({ differenceMs }, 'the clocks of this process and the database agree again')
        : logger.error({ differenceMs }, 'the clocks of this process and the database differ; this process runs no jobs'),
  });
}

/** @throws StartupError when MongoDB cannot be reached; Postgres' own error otherwise. */
function openJobs({ mongodbUrl, limits }: Config, databaseUrl: string, logger: Logger): Promise<JobStore> {
  return openJobStore({
    databaseUrl,
    mongodbUrl,
    connectionTimeoutMs: limits.databaseConnectTimeoutMs,
    onIdleError: (error) => logger.warn({ reason: error.message }, 'idle job store connection lost'),
  }).catch((error: unknown) => {
    throw mongodbUrl === undefined ? error : unreachable('MONGODB_URL', mongodbUrl, error);
  });
}

/** Does not log that Redis is unavailable: the hints do. */
function openOpenSessions({ redisUrl, limits }: Config): OpenSessions {
  return redisUrl ? new RedisOpenSessions({ url: redisUrl, ...redisTimes(limits) }) : noOpenSessions;
}

const redisTimes = ({ redisCommandTimeoutMs, redisRetryAfterMs }: Limits) => ({
  commandTimeoutMs: redisCommandTimeoutMs,
  retryAfterMs: redisRetryAfterMs,
});

function openHints({ redisUrl, limits }: Config, logger: Logger): HintChannel {
  if (!redisUrl) return new LocalHints();
  return new RedisHints({
    url: redisUrl,
    ...redisTimes(limits),
    onConnectionError: (error) => logger.warn({ reason: error.message }, 'Redis is unavailable; polling for live changes'),
  });
}
