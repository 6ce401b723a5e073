import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyInstance } from 'fastify';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { ObservationConfig } from '../config/config.js';
import { cachedFor } from '../runtime/concurrency.js';

/** Request metrics for Prometheus. */
export interface Metrics {
  readonly registry: Registry;
  /** Counts an operation by its first root field, so that clients cannot create unlimited labels. */
  served(rootField: string, outcome: Outcome, seconds: number, transport?: 'http' | 'websocket'): void;
  /** Counts a request that exceeded a rate limit. */
  limited(limit: string): void;
  /** Counts a webhook delivery from Stripe. */
  webhook(outcome: string): void;
}

export type Outcome = 'ok' | 'errors' | 'refused';

/** Receives events from the services. */
export interface ServiceMetrics {
  moneyMoved(movement: { readonly kind: string; readonly amount: number; readonly currency: string }): void;
  liveLag(seconds: number): void;
}

/** Counts of live sockets, currently and since startup. */
type SocketCounts = Readonly<Record<'connections' | 'operations' | 'events' | 'overBudget' | 'slowReaders', number>>;

/** Up to the slowest sweep. */
const LAG_BUCKETS_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const operations = new Counter({
    name: 'boxoffice_operations_total',
    help: 'GraphQL operations, by transport, first root field and outcome.',
    labelNames: ['transport', 'field', 'outcome'] as const,
    registers,
  });
  const durations = new Histogram({
    name: 'boxoffice_operation_duration_seconds',
    help: 'Duration of GraphQL operations by transport and first root field.',
    labelNames: ['transport', 'field'] as const,
    buckets: BUCKETS_SECONDS,
    registers,
  });
  const limited = new Counter({
    name: 'boxoffice_rate_limited_total',
    help: 'Requests that exceeded a rate limit, by limit: address, reads, writes or money.',
    labelNames: ['limit'] as const,
    registers,
  });
  const webhooks = new Counter({
    name: 'boxoffice_webhooks_total',
    help: 'Webhook deliveries from Stripe by outcome: stored, refused (4xx) or failed (5xx; Stripe retries).',
    labelNames: ['outcome'] as const,
    registers,
  });
  return {
    registry,
    served(field, outcome, seconds, transport = 'http') {
      operations.inc({ transport, field, outcome });
      durations.observe({ transport, field }, seconds);
    },
    limited: (limit) => limited.inc({ limit }),
    webhook: (outcome) => webhooks.inc({ outcome }),
  };
}

/**
 * Money moved by this process, counted after the commit, and the delay of live changes. Prometheus sums over processes and restarts; the
 * ledger has the exact totals.
 */
export function watchServices({ registry }: Metrics): ServiceMetrics {
  const money = new Counter({
    name: 'boxoffice_money_moved_minor_units_total',
    help: "Money moved into (in) or out of (out) balances by this process, in the currency's minor unit, by kind of transaction.",
    labelNames: ['kind', 'currency', 'direction'] as const,
    registers: [registry],
  });
  const lag = new Histogram({
    name: 'boxoffice_live_lag_seconds',
    help: 'Time from a change until it was read for a waiting client.',
    buckets: LAG_BUCKETS_SECONDS,
    registers: [registry],
  });
  return {
    moneyMoved: ({ kind, amount, currency }) =>
      money.inc({ kind, currency, direction: amount < 0 ? 'out' : 'in' }, Math.abs(amount)),
    liveLag: (seconds) => lag.observe(seconds),
  };
}

/** Adds a gauge whose values are set when metrics are collected. */
export function addGauge(
  { registry }: Metrics,
  [name, help, ...labelNames]: readonly [name: string, help: string, ...labelNames: string[]],
  collect: (gauge: Gauge) => void | Promise<void>,
): void {
  const registers = [registry];
  new Gauge({
    name,
    help,
    labelNames,
    registers,
    collect() {
      return collect(this);
    },
  });
}

/** Live sockets. */
export function watchSockets(metrics: Metrics, sockets: { statistics(): SocketCounts }): void {
  const add = (name: string, help: string, read: (counts: SocketCounts) => number) =>
    addGauge(metrics, [name, help], (gauge) => gauge.set(read(sockets.statistics())));
  add('boxoffice_live_sockets', 'Open WebSockets.', (counts) => counts.connections);
  add('boxoffice_live_operations', 'Operations in progress on WebSockets.', (counts) => counts.operations);
  add('boxoffice_live_events', 'Events of live operations sent since startup.', (counts) => counts.events);
  add('boxoffice_live_over_budget', 'WebSockets closed since startup because they sent too much.', (counts) => counts.overBudget);
  add(
    'boxoffice_live_slow_readers',
    'WebSockets terminated since startup because they did not read.',
    (counts) => counts.slowReaders,
  );
}

/** Whether this node receives hints from the others, and how much it watches. */
export function watchLive(
  metrics: Metrics,
  hints: { state(): string },
  live: { statistics(): { viewers: number; streams: number } },
): void {
  const help = '0 while Redis is unavailable and live changes are found by polling.';
  addGauge(metrics, ['boxoffice_live_hints_heard', help], (gauge) => gauge.set(+(hints.state() !== 'DOWN')));
  addGauge(metrics, ['boxoffice_live_viewers', 'Viewers whose changes are watched.'], (gauge) =>
    gauge.set(live.statistics().viewers),
  );
  addGauge(metrics, ['boxoffice_live_streams', 'Live operations that watch a viewer.'], (gauge) =>
    gauge.set(live.statistics().streams),
  );
}

/** Whether the identity provider can be reached. */
export function watchProviderKeys(metrics: Metrics, keys: { state(): string }): void {
  const help = '0 while the keys of JWKS_URL cannot be fetched; known keys are used for up to JWKS_STALE_MS.';
  addGauge(metrics, ['boxoffice_identity_provider_reached', help], (gauge) => gauge.set(+(keys.state() === 'CONNECTED')));
}

/** Compares in a time that reveals neither where the texts differ nor their lengths. */
function isSameText(given: string, expected: string): boolean {
  const hash = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(hash(given), hash(expected));
}

/**
 * `GET /metrics`, for any client, or with a bearer token if one is configured. Some metrics are read from the database, so they are
 * collected at most once per `cacheMs`.
 */
export function serveMetrics(
  app: FastifyInstance,
  { registry }: Metrics,
  settings: ObservationConfig & { readonly cacheMs: number },
): void {
  const collect = cachedFor(settings.cacheMs, () => registry.metrics());
  app.get('/metrics', { logLevel: 'silent' }, async (request, reply) => {
    const { metricsToken } = settings;
    if (metricsToken !== undefined && !isSameText(request.headers.authorization ?? '', `Bearer ${metricsToken}`)) {
      return reply.code(401).header('www-authenticate', 'Bearer').send({ status: 'token required' });
    }
    return reply.header('content-type', registry.contentType).send(await collect());
  });
}
