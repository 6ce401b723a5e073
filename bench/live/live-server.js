// One server of the benchmark, in a process of its own: ours, or a bare `ws` that only passes on what Redis gives it.
import 'reflect-metadata';
import http from 'node:http';
import { Redis } from 'ioredis';
import { WebSocketServer } from 'ws';

const [, , kind, databaseUrl, redisUrl] = process.argv;
const server = http.createServer();

if (kind === 'bare') serveBare();
else await serveOurs();

server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));

process.on('message', (message) => {
  const { user, system } = process.cpuUsage();
  if (message === 'cpu') process.send({ cpuSeconds: (user + system) / 1e6 });
  if (message !== 'memory') return;
  for (let count = 0; count < 3; count++) globalThis.gc();
  const { rss: rssBytes, heapUsed: heapBytes } = process.memoryUsage();
  process.send({ rssBytes, heapBytes });
});
process.on('disconnect', () => process.exit(0));

function serveBare() {
  const sockets = new Map();
  const redis = new Redis(redisUrl);
  redis.subscribe('bench');
  redis.on('message', (_channel, message) => sockets.get(message.slice(0, 36))?.send(message.slice(36)));
  const webSockets = new WebSocketServer({ server, perMessageDeflate: false });
  webSockets.on('connection', (socket) => {
    socket.on('message', (data) => {
      const message = JSON.parse(data.toString());
      if (message.type !== 'connection_init') return;
      sockets.set(message.payload.token, socket);
      socket.send('{"type":"connection_ack"}');
      socket.send('{"type":"next"}');
    });
  });
}

async function serveOurs() {
  const from = (file) => import(`../../dist/src/${file}`);
  const [
    { Database },
    { RedisHints },
    { LiveFeed },
    { LiveSockets },
    { createEngine },
    { Pipeline },
    { createMetrics, watchServices },
    { readLimits },
    { Environment },
  ] = await Promise.all(
    [
      'stores/database.js',
      'stores/redis-hints.js',
      'services/live/live-feed.js',
      'gateway/websocket/server.js',
      'gateway/graphql/engine.js',
      'gateway/graphql/pipeline.js',
      'observability/metrics.js',
      'config/limits.js',
      'config/env.js',
    ].map(from),
  );
  const database = new Database({ url: databaseUrl, poolSize: 8, statementTimeoutMs: 10_000, connectionTimeoutMs: 5_000 });
  const hints = new RedisHints({ url: redisUrl, commandTimeoutMs: 5_000 });
  const settings = { batchCount: 100, sweepIntervalMs: 1_000, quietSweepIntervalMs: 30_000 };
  const clock = { now: () => new Date() };
  const metrics = createMetrics();
  const lag = { clock, observe: watchServices(metrics).liveLag };
  const live = new LiveFeed({ database, hints, settings, currency: 'EUR', lag, onError: (error) => console.error(error) });
  // What live changes of a balance do not ask for.
  const unused = new Proxy(() => [], { get: (target, name) => (name === 'bind' ? () => target : unused) });
  const services = new Proxy({ live }, { get: (target, name) => target[name] ?? unused });
  const limits = { ...readLimits(new Environment({})), socketsMaximumCount: 100_000, connectionInitTimeoutMs: 60_000 };
  const config = {
    http: { allowedOrigins: [], allowedHosts: null, trustedProxyCount: 0 },
    guard: { introspection: false },
    limits,
  };
  const engine = await createEngine({ config, logger: console, tracing: null });
  new LiveSockets(server, {
    ...engine,
    config,
    pipeline: new Pipeline({ ...engine, limits, introspection: true, rates: null, trusted: null }),
    mask: (error) => error.toJSON(),
    identity: {
      identify: async (userId) => ({ caller: { userId, role: 'VIEWER' }, expiresAt: new Date(Date.now() + 3_600_000) }),
    },
    services,
    clock,
    realClock: clock,
    logger: console,
    metrics,
  });
}
