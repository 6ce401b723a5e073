import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import cors from '@fastify/cors';
import Fastify, { type FastifyError, type FastifyInstance, LogController } from 'fastify';
import type { Redis } from 'ioredis';
import type { Logger } from 'pino';
import type { Config } from '../config/config.js';
import { type ReadinessCheck, serveHealth } from '../observability/health.js';
import { watchJobs, watchVerification } from '../observability/job-metrics.js';
import { createMetrics, type Metrics, serveMetrics, watchProviderKeys, watchSockets } from '../observability/metrics.js';
import type { Tracing } from '../observability/tracing.js';
import type { Clock } from '../runtime/clock.js';
import type { AppServices } from '../services/services.js';
import type { RedisSettings } from '../stores/redis.js';
import { createIdentity, type Identity } from './auth.js';
import type { Engine } from './graphql/engine.js';
import { createMask } from './graphql/errors.js';
import { Pipeline, Rates } from './graphql/pipeline.js';
import { TrustedOperations } from './graphql/trusted-documents.js';
import { createApollo } from './http/apollo.js';
import { boundPipelining, ConnectionGuard } from './http/connection-guard.js';
import { refuse, serveGraphql } from './http/graphql-endpoint.js';
import { serveHostCheck } from './http/host-check.js';
import { readJsonInUtf8, UnreadableBody } from './http/json-body.js';
import { requestIdOf } from './http/request.js';
import { serveSecurityHeaders } from './http/security-headers.js';
import { serverTimeouts } from './http/server-timeouts.js';
import { stripeWebhook } from './http/stripe-webhook.js';
import { LiveSockets } from './websocket/server.js';

export interface GatewayOptions {
  readonly config: Pick<Config, 'http' | 'identity' | 'guard' | 'limits' | 'observation' | 'redisUrl'>;
  /** What operations are prepared and executed with: the same that the app runs stored documents with. */
  readonly engine: Engine;
  readonly services: AppServices;
  /** Product time. */
  readonly clock: Clock;
  /** The clock for tokens. Default: `clock`. */
  readonly realClock?: Clock;
  readonly logger: Logger;
  /** Request metrics. Default: a separate registry. */
  readonly metrics?: Metrics;
  readonly tracing?: Tracing | null;
  /** Opens the Redis connection through which nodes share rate limits. Without it, or without a `redisUrl`, each node counts separately. */
  readonly connectRedis?: (settings: RedisSettings) => Redis;
  /** By their names in /readyz. */
  readonly readiness: Readonly<Record<string, ReadinessCheck>>;
  /** Adds the pages before the server listens. */
  readonly extend?: (app: FastifyInstance, identity: Identity) => void;
}

export interface Gateway {
  /** Starts listening. Port 0 uses a free port, which is in the returned URL. @throws EADDRINUSE and the like */
  start(): Promise<{ url: string }>;
  /** Reports 503 on /readyz for a while, then accepts no new connections, and resolves when all running requests have finished. */
  stop(): Promise<void>;
}

/** The edge: HTTP with GraphQL, health, security headers and CORS. */
export async function createGateway(options: GatewayOptions): Promise<Gateway> {
  const { config, engine, services, clock, realClock = clock, logger, metrics = createMetrics(), tracing = null } = options;
  const { limits } = config;
  const identity = createIdentity(config.identity, { clock: realClock, limits, logger });
  const redis = openRates(options);
  const pipeline = createPipeline(options, redis, metrics);
  const mask = createMask(logger, config.guard.introspection);
  const edge = { ...engine, pipeline, mask, identity, services, clock, realClock, logger, config, metrics };
  const apollo = createApollo(edge);
  await apollo.start();
  const app = createServer(config, logger);
  let stopping = false;
  // With keep-alive, the client would send its next request here: make it open a connection to another server.
  app.addHook('onRequest', (_request, reply, done) => {
    if (stopping) reply.header('connection', 'close');
    done();
  });
  tracing?.serve(app);
  serveSecurityHeaders(app);
  const connections = guardConnections(app, config);
  await app.register(cors, corsOptions(config.http.allowedOrigins));
  const cacheMs = limits.probeCacheMs;
  const checks = { ...options.readiness, ...watchIdentity(identity, metrics) };
  serveHealth(app, { checks, isStopping: () => stopping, logger, cacheMs });
  serveGraphql(app, { ...edge, apollo });
  await app.register(stripeWebhook, {
    inbox: services.stripeInbox,
    bodyLimitBytes: limits.webhookBodyBytes,
    onReceived: metrics.webhook,
  });
  const sockets = new LiveSockets(app.server, edge);
  watchSockets(metrics, sockets);
  watchJobs(metrics, services.jobs);
  watchVerification(metrics, services.verification);
  if (config.observation.metrics) serveMetrics(app, metrics, { ...config.observation, cacheMs });
  options.extend?.(app, identity);
  return {
    start: () => listen(app, config.http),
    async stop() {
      if (stopping) return;
      stopping = true;
      // If the server never listened, no load balancer has to be warned.
      if (app.server.listening) await pause(config.http.drainNoticeMs);
      connections.shorten(limits.socketCloseGraceMs);
      await sockets.stop();
      await app.close();
      connections.stop();
      await apollo.stop();
      redis?.disconnect();
    },
  };
}

/** Reports in metrics and readiness whether the identity provider can be reached. */
function watchIdentity({ providerKeys }: Identity, metrics: Metrics): Record<string, ReadinessCheck> {
  if (!providerKeys) return {};
  watchProviderKeys(metrics, providerKeys);
  // Starts fetching the keys, so that the first request need not wait for them.
  providerKeys.state();
  return { identity: async () => providerKeys.state() };
}

async function listen(app: FastifyInstance, { host, port: wantedPort }: Config['http']): Promise<{ url: string }> {
  await app.listen({ host, port: wantedPort });
  const { port, family, address } = app.server.address() as AddressInfo;
  return { url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}` };
}

/** Limits for connections, independent of their requests. */
function guardConnections(app: FastifyInstance, { http, limits }: GatewayOptions['config']): ConnectionGuard {
  boundPipelining(app, limits.pipelinedRequestsCount);
  if (http.allowedHosts) serveHostCheck(app, new Set(http.allowedHosts));
  const connectionsMaximumCount = limits.httpConnectionsMaximumCount + limits.socketsMaximumCount;
  return new ConnectionGuard(app.server, { ...limits, connectionsMaximumCount });
}

/** The Redis in which nodes share rate limits; while it is unavailable, each node counts separately. */
function openRates({ config: { guard, limits, redisUrl }, connectRedis, logger }: GatewayOptions): Redis | undefined {
  if (!redisUrl || !guard.rateLimits) return undefined;
  return connectRedis?.({
    url: redisUrl,
    commandTimeoutMs: limits.redisCommandTimeoutMs,
    retryAfterMs: limits.redisRetryAfterMs,
    connectionName: 'boxoffice-rates',
    onConnectionError: (error) =>
      logger.warn({ reason: error.message }, 'Redis is unavailable; each node counts rates separately'),
  });
}

function createPipeline(
  { engine, config: { guard, limits } }: GatewayOptions,
  redis: Redis | undefined,
  metrics: Metrics,
): Pipeline {
  const { persistedOperations, persistedOperationsFile } = guard;
  const isTrustedOnly = persistedOperations === 'only' && persistedOperationsFile !== undefined;
  return new Pipeline({
    ...engine,
    limits,
    introspection: guard.introspection,
    rates: guard.rateLimits ? new Rates({ schema: engine.schema, limits, redis, onLimited: metrics.limited }) : null,
    trusted: isTrustedOnly ? new TrustedOperations(persistedOperationsFile) : null,
  });
}

function createServer({ http, limits }: GatewayOptions['config'], logger: Logger): FastifyInstance {
  const app = Fastify({
    loggerInstance: logger,
    // Log lines include the request id themselves: a child logger per request would be too expensive.
    childLoggerFactory: () => logger,
    logController: new LogController({ disableRequestLogging: true }),
    genReqId: requestIdOf,
    bodyLimit: limits.requestBodyBytes,
    ...serverTimeouts(limits),
    trustProxy: (_address: string, hop: number) => hop < http.trustedProxyCount,
    // While draining, requests on open connections are still served, and the connection is closed afterwards.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Fastify's own message would echo the path.
    frameworkErrors: (_error, _request, reply) => refuse(reply, 400, 'BAD_REQUEST', 'The request is malformed.'),
  }) as unknown as FastifyInstance;
  readJsonInUtf8(app);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const { id: requestId, method, routeOptions } = request;
    const durationMs = Math.round(reply.elapsedTime);
    logger.info({ requestId, method, route: routeOptions.url, status: reply.statusCode, durationMs }, 'answered');
    done();
  });
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const status = error.statusCode ?? 500;
    // Fastify's messages about bodies are fixed; others may echo what was sent.
    const isAboutBody = error instanceof UnreadableBody || error.code?.startsWith('FST_ERR_CTP_');
    const message = isAboutBody ? error.message : 'The request is malformed.';
    if (status < 500) return refuse(reply, status, 'BAD_REQUEST', message);
    logger.error({ requestId: request.id, err: error }, 'request failed');
    return refuse(reply, 500, 'INTERNAL_SERVER_ERROR', 'Internal error. Quote the request id when you report it.');
  });
  app.setNotFoundHandler((_request, reply) => refuse(reply, 404, 'NOT_FOUND', 'Not found.'));
  return app;
}

function corsOptions(allowedOrigins: readonly string[]) {
  return {
    origin: [...allowedOrigins],
    methods: ['GET', 'POST'],
    allowedHeaders: ['content-type', 'authorization', 'apollo-require-preflight', 'x-apollo-operation-name', 'x-request-id'],
    exposedHeaders: ['x-request-id', 'retry-after'],
    maxAge: 3_600,
  };
}
