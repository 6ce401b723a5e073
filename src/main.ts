import './runtime/supported-node.js';
import 'reflect-metadata';
import path from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type App, DEVELOPMENT_CLOCK_REFRESH_MS, openApp } from './app.js';
import { type Config, type RoleName, readConfig } from './config/config.js';
import { loadDemo } from './demo/catalogue.js';
import { DEMO_ADMIN_ID, DEMO_SERVICE_ID, DEMO_VIEWERS } from './demo/people.js';
import { issueToken } from './gateway/auth/issue-token.js';
import { createGateway } from './gateway/gateway.js';
import { serveSandboxClock } from './gateway/http/sandbox-clock.js';
import { servePages } from './gateway/pages/pages.js';
import { watchLive } from './observability/metrics.js';
import { systemClock } from './runtime/clock.js';
import { runProcess, Shutdown } from './runtime/lifecycle.js';
import { checkPorts, localUrl } from './runtime/ports.js';
import { StartupError } from './runtime/startup-error.js';
import { probeDatabase } from './stores/database-probe.js';
import { openDatabaseServer } from './stores/database-server.js';
import { prepareDatabase } from './stores/migrate.js';
import { connectRedis } from './stores/redis.js';

const DEMO_TOKEN_SECONDS = 12 * 60 * 60;
const shutdown = new Shutdown();

/** Starts the whole product in one process, each part after its dependencies. It is stopped in reverse order. */
async function start(): Promise<void> {
  const config = readConfig();
  shutdown.listen(config.limits.shutdownBudgetMs);
  await checkPorts(config.http, config.stripe.sandboxPort);
  const databaseUrl = await openDatabase(config);
  const app = await openApp(config, databaseUrl);
  shutdown.add('the stores', () => app.close());
  const sandboxUrl = await startSandboxIfWanted(app);
  if (config.demo) await loadDemo(app);
  if (config.runJobs) {
    shutdown.add('the jobs', () => app.jobRunner.stop());
    await app.jobRunner.start();
  }
  await startGateway(app, sandboxUrl);
  if (shutdown.begun) return;
  if (config.production) app.logger.info({ url: config.http.publicUrl }, 'ready');
  else console.log(await readyMessage(config, sandboxUrl));
}

async function openDatabase(config: Config): Promise<string> {
  const server = await openDatabaseServer(config);
  shutdown.add('the database', () => server.stop(), { abandon: () => server.abandon() });
  await prepareDatabase(config, server.url);
  return server.url;
}

/** @throws StartupError where it is not installed, as in the production image. */
function loadSandbox(): Promise<typeof import('@boxoffice/stripe-sandbox')> {
  return import('@boxoffice/stripe-sandbox').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new StartupError([
      'STRIPE_SECRET_KEY: is not set, and the Stripe sandbox is not installed. Set a key, or install the development packages.',
    ]);
  });
}

/** Only without a Stripe secret key; production never loads the sandbox's code. */
async function startSandboxIfWanted({ config, clock, jobRunner }: App): Promise<string | null> {
  const { stripe, http, dataDirectory, databaseUrl } = config;
  if (stripe.sandboxPort === undefined) return null;
  const { startSandbox } = await loadSandbox();
  const sandbox = await startSandbox({
    port: stripe.sandboxPort,
    secretKey: stripe.secretKey,
    webhookUrl: `${localUrl(http)}/webhooks/stripe`,
    webhookSecret: stripe.webhookSecrets,
    stateFile: path.join(dataDirectory, 'sandbox.jsonl'),
    clock: {
      now: () => clock.now(),
      async advance(milliseconds) {
        await clock.advance(milliseconds);
        // The embedded database is this process's alone; others are given the time to read the clock again.
        if (databaseUrl) await pause(2 * DEVELOPMENT_CLOCK_REFRESH_MS);
      },
    },
    signatureClock: systemClock,
    onClockMoved: (from, to) => jobRunner.runDue(from, to),
    ...(http.allowedHosts && { allowedHosts: http.allowedHosts }),
  });
  shutdown.add('the Stripe sandbox', () => sandbox.stop());
  return sandbox.url;
}

async function startGateway(app: App, sandboxUrl: string | null): Promise<void> {
  const { config, services, clock, database } = app;
  const tokenFor = (userId: string, role: RoleName) => demoToken(config, userId, role);
  watchLive(app.metrics, app.hints, services.live);
  const gateway = await createGateway({
    ...app,
    engine: await app.engine(),
    realClock: systemClock,
    connectRedis,
    readiness: {
      database: () => probeDatabase(database),
      // A difference does not stop serving: product time is the database's, and only jobs depend on this process's own clock.
      clock: async () => (clock.isInStep() ? 'IN_STEP' : 'DIFFERS'),
      jobs: () => app.jobStore.state(),
      ...(config.redisUrl && { hints: async () => app.hints.state() }),
    },
    extend: (server, identity) => {
      const people = { viewers: DEMO_VIEWERS, adminId: DEMO_ADMIN_ID, serviceId: DEMO_SERVICE_ID, tokenFor };
      const demo = config.demo && config.identity.secrets.length > 0 ? people : undefined;
      const secureCookies = config.http.publicUrl.startsWith('https:');
      if (sandboxUrl) serveSandboxClock(server, sandboxUrl);
      servePages(server, { playground: config.guard.playground, identity, secureCookies, ...(demo && { demo }) });
    },
  });
  shutdown.add('the gateway', () => gateway.stop(), { noticeMs: config.http.drainNoticeMs });
  await gateway.start();
}

const demoToken = (config: Config, userId: string, role: RoleName) =>
  issueToken(config.identity, { userId, role, expiresInSeconds: DEMO_TOKEN_SECONDS }, new Date());

async function readyMessage(config: Config, sandboxUrl: string | null): Promise<string> {
  const url = config.http.publicUrl;
  const lines = ['', 'Boxoffice is ready.', `  GraphQL     ${url}/graphql`];
  if (config.guard.playground !== 'off') lines.push(`  Playground  ${url}/playground`);
  // The demo's tokens are signed with JWT_SECRET: with JWKS_URL it is not served.
  if (config.demo && config.identity.secrets.length > 0) lines.push(`  Demo        ${url}/demo`);
  if (sandboxUrl) lines.push(`  Sandbox     ${sandboxUrl} (replaces Stripe)`);
  if (!config.demo || config.identity.secrets.length === 0) return lines.join('\n');
  const viewer = await demoToken(config, DEMO_VIEWERS[0].id, 'viewer');
  lines.push('', 'Tokens, valid for 12 hours:', `  viewer   ${viewer}`);
  lines.push(`  service  ${await demoToken(config, DEMO_SERVICE_ID, 'service')}`);
  lines.push(`  admin    ${await demoToken(config, DEMO_ADMIN_ID, 'admin')}`);
  const query = JSON.stringify({ query: '{ me { balance { available { amount currency } } } }' });
  lines.push(
    '',
    'Try:',
    `  curl -s ${url}/graphql -H 'content-type: application/json' -H 'authorization: Bearer ${viewer}' -d '${query}'`,
  );
  return lines.join('\n');
}

await runProcess(shutdown, start);
