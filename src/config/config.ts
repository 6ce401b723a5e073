import { existsSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { hostnameOf } from './allowed-host.js';
import { currencyDigits } from './currencies.js';
import { devSecret } from './dev-secrets.js';
import { configurationError, cronLine, Environment, listOf, mongodbUrl, urlOf, wholeNumber, yesOrNo } from './env.js';
import { type IdentityConfig, readIdentity } from './identity.js';
import { type LedgerRootsConfig, readLedgerRoots } from './ledger-roots.js';
import { type Limits, readLimits } from './limits.js';
import { checkProductionSettings } from './production.js';
import { readStoreUrl } from './store-url.js';

export type { IdentityConfig, RoleName } from './identity.js';
export type { Limits } from './limits.js';

const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** All settings, read once at startup. Each section holds the settings of one part of the product. */
export interface Config {
  /** NODE_ENV=production: development-only defaults are rejected. */
  readonly production: boolean;
  readonly http: HttpConfig;
  /** Where this process keeps the state of the servers it starts itself (absolute path). */
  readonly dataDirectory: string;
  /** Undefined: the embedded Postgres in the data directory. */
  readonly databaseUrl: string | undefined;
  /** Whether this process migrates the database at startup. If false, it only checks that no migration is missing. */
  readonly migrateAtStart: boolean;
  /** Undefined: a single process; hints and rates are kept in memory. */
  readonly redisUrl: string | undefined;
  /** Undefined: jobs are stored in Postgres. */
  readonly mongodbUrl: string | undefined;
  readonly identity: IdentityConfig;
  readonly stripe: StripeConfig;
  /** The currency of all prices and balances (ISO 4217, upper case). */
  readonly currency: string;
  /** Whether this process runs jobs. */
  readonly runJobs: boolean;
  readonly jobHours: JobHoursConfig;
  readonly ledgerRoots: LedgerRootsConfig;
  /** The demo page and the demo catalogue. */
  readonly demo: boolean;
  readonly guard: GuardConfig;
  readonly observation: ObservationConfig;
  readonly limits: Limits;
}

export interface HttpConfig {
  readonly host: string;
  readonly port: number;
  /** The public URL of this server, without a trailing slash. */
  readonly publicUrl: string;
  readonly allowedOrigins: readonly string[];
  /** The host names allowed in Host headers, besides loopback; null in production: any. */
  readonly allowedHosts: readonly string[] | null;
  /** The number of trusted proxies in front of this server. */
  readonly trustedProxyCount: number;
  /** How long /readyz returns 503 before the server closes, so that load balancers stop sending traffic first. */
  readonly drainNoticeMs: number;
}

export interface StripeConfig {
  readonly secretKey: string;
  /** Any of them may have signed a webhook; there are several during a rotation. */
  readonly webhookSecrets: readonly string[];
  /** The base URL of Stripe's API. */
  readonly apiUrl: string;
  /** The port of the sandbox to start; undefined with a real secret key. */
  readonly sandboxPort: number | undefined;
  /** If set, events of other accounts are ignored. */
  readonly accountId: string | undefined;
}

/** The schedules of the jobs that run at a fixed time: cron expressions of five fields, in UTC. The other intervals are limits. */
export interface JobHoursConfig {
  readonly reconcileCron: string;
  readonly verifyLedgerCron: string;
  readonly signLedgerRootCron: string;
}

export interface GuardConfig {
  /** open: for anyone; admins: requires an admin's token. */
  readonly playground: 'off' | 'admins' | 'open';
  readonly introspection: boolean;
  /** only: operations in the manifest only (admins may send any). */
  readonly persistedOperations: 'off' | 'automatic' | 'only';
  readonly persistedOperationsFile: string | undefined;
  readonly rateLimits: boolean;
}

export interface ObservationConfig {
  readonly logLevel: (typeof logLevels)[number];
  readonly metrics: boolean;
  /** If set, /metrics requires this bearer token. */
  readonly metricsToken: string | undefined;
  /** Undefined: tracing is off. */
  readonly tracing: TracingConfig | undefined;
}

/** The supported subset of OpenTelemetry's standard variables. */
export interface TracingConfig {
  /** The collector (OTLP over HTTP), without /v1/traces. */
  readonly endpoint: string;
  /** `name=value,name=value`; may contain secrets. */
  readonly headers: string | undefined;
  readonly serviceName: string;
  /** The fraction of traces started here that is kept, 0 to 1. */
  readonly sampledPart: number;
}

const currencyCode = z
  .string()
  .refine((code) => currencyDigits(code) !== undefined, 'an ISO 4217 currency code in upper case, such as EUR');

/** The real Stripe's API. */
export const STRIPE_URL = 'https://api.stripe.com';

/** The secret key for the sandbox. */
const sandboxSecretKey = 'sk_test_sandbox';

/**
 * Reads the environment. Outside production, unset variables get defaults for development on one machine, with secrets that are
 * generated once and kept in the data directory.
 *
 * @throws StartupError with all problems at once
 */
export function readConfig(source: Readonly<Record<string, string | undefined>> = ownEnvironment()): Config {
  const { config, environment } = readEnvironment(source);
  if (environment.faults.length > 0) throw configurationError(environment.faults);
  return config;
}

/** The process environment, over a file `.env` in the current directory. */
function ownEnvironment(): Readonly<Record<string, string | undefined>> {
  if (existsSync('.env')) process.loadEnvFile('.env');
  return process.env;
}

/** Every variable that the configuration reads. */
export function configVariables(): ReadonlySet<string> {
  return readEnvironment({ NODE_ENV: 'production' }).environment.names;
}

function readEnvironment(source: Readonly<Record<string, string | undefined>>): { config: Config; environment: Environment } {
  const environment = new Environment(source);
  const production = readMode(environment) === 'production';
  const dataDirectory = path.resolve(environment.read('DATA_DIR', z.string(), '.data'));
  const port = environment.read('PORT', wholeNumber(1, 65_535), 4_000);
  const config: Config = {
    production,
    http: readHttp(environment, production, port),
    dataDirectory,
    databaseUrl: readStoreUrl(environment, 'DATABASE', urlOf('postgres', 'postgresql')),
    migrateAtStart: environment.read('MIGRATE_AT_START', yesOrNo, true),
    redisUrl: readStoreUrl(environment, 'REDIS', urlOf('redis', 'rediss')),
    mongodbUrl: readStoreUrl(environment, 'MONGODB', mongodbUrl),
    identity: readIdentity(environment, production, () => readDevSecret(environment, dataDirectory, 'jwt-secret')),
    stripe: readStripe(environment, production, dataDirectory),
    currency: environment.read('CURRENCY', currencyCode, 'USD'),
    runJobs: environment.read('RUN_JOBS', yesOrNo, true),
    jobHours: {
      reconcileCron: environment.read('RECONCILE_CRON', cronLine, '15 3 * * *'),
      verifyLedgerCron: environment.read('VERIFY_LEDGER_CRON', cronLine, '45 3 * * *'),
      signLedgerRootCron: environment.read('SIGN_LEDGER_ROOT_CRON', cronLine, '45 4 * * *'),
    },
    ledgerRoots: readLedgerRoots(environment, production, dataDirectory),
    demo: environment.read('DEMO', yesOrNo, !production),
    guard: readGuard(environment, production),
    observation: readObservation(environment, production),
    limits: readLimits(environment),
  };
  if (production) checkProductionSettings(environment, config);
  if (config.stripe.sandboxPort === port) {
    environment.refuse('SANDBOX_PORT', `is ${port}, the same as PORT`, 'Choose another.');
  }
  return { config, environment };
}

const MODES = ['development', 'test', 'production'] as const;

/**
 * NODE_ENV, exactly as written. Otherwise a value that is misspelt, in capitals, empty or surrounded by spaces would start a development
 * server, which hands out tokens, where production was meant.
 */
function readMode(environment: Environment): (typeof MODES)[number] {
  const text = environment.raw('NODE_ENV');
  if (text === undefined) return 'development';
  const mode = MODES.find((known) => known === text);
  if (mode) return mode;
  environment.refuse(
    'NODE_ENV',
    `must be ${MODES.join(', ')}, in lower case, found ${JSON.stringify(text)}`,
    'Correct it or remove it.',
  );
  return 'development';
}

function readHttp(environment: Environment, production: boolean, port: number): HttpConfig {
  const defaultUrl = `http://localhost:${port}`;
  const origin = urlOf('http', 'https').refine(
    (url) => new URL(url).origin === url,
    'origins without a path, such as https://example.com',
  );
  const host = environment.read('HOST', z.string(), production ? '0.0.0.0' : '127.0.0.1');
  const publicUrl = environment.read('PUBLIC_URL', urlOf('http', 'https'), defaultUrl);
  const allowedHosts = readAllowedHosts(environment, host, publicUrl);
  return {
    host,
    port,
    publicUrl,
    allowedOrigins: environment.read('ALLOWED_ORIGINS', listOf(origin), [defaultUrl, `http://127.0.0.1:${port}`]),
    allowedHosts: production ? null : allowedHosts,
    trustedProxyCount: environment.read('TRUSTED_PROXY_COUNT', wholeNumber(0, 10), 0),
    drainNoticeMs: environment.read('DRAIN_NOTICE_MS', wholeNumber(0, 300_000), production ? 5_000 : 0),
  };
}

/** Wildcard addresses are not host names of this server. */
const WILDCARD_HOSTS = new Set(['0.0.0.0', '::', '[::]']);

function readAllowedHosts(environment: Environment, host: string, publicUrl: string): string[] {
  const name = z
    .string()
    .refine((text) => hostnameOf(text) !== null, 'host names without scheme and port, such as films.test, separated by commas');
  const added = environment.read('ALLOWED_HOSTS', listOf(name), []);
  const own = WILDCARD_HOSTS.has(host) ? [] : [host.includes(':') ? `[${host}]` : host];
  return [...own, new URL(publicUrl).host, ...added].flatMap((text) => hostnameOf(text) ?? []);
}

function readStripe(environment: Environment, production: boolean, dataDirectory: string): StripeConfig {
  const secretKeySchema = z.string().regex(/^(sk|rk)_(test|live)_\w+$/, 'a secret or restricted Stripe key (sk_… or rk_…)');
  const secretKey = environment.optional('STRIPE_SECRET_KEY', secretKeySchema, { secret: true });
  const withSandbox = !production && !environment.has('STRIPE_SECRET_KEY');
  const sandboxPort = environment.read('SANDBOX_PORT', wholeNumber(1, 65_535), 4_010);
  const webhookSecret = z.string().regex(/^whsec_\w+$/, 'signing secrets of webhook endpoints (whsec_…), separated by commas');
  const webhookSecrets = environment.optional('STRIPE_WEBHOOK_SECRET', listOf(webhookSecret), { secret: true });
  if (!production && !withSandbox && !environment.has('STRIPE_WEBHOOK_SECRET')) {
    environment.refuse(
      'STRIPE_WEBHOOK_SECRET',
      'is not set, though STRIPE_SECRET_KEY is',
      'Set the signing secret of your webhook.',
    );
  }
  const isGenerated = withSandbox && !environment.has('STRIPE_WEBHOOK_SECRET');
  const defaultApiUrl = withSandbox ? `http://127.0.0.1:${sandboxPort}` : STRIPE_URL;
  return {
    secretKey: secretKey ?? sandboxSecretKey,
    webhookSecrets: isGenerated
      ? [readDevSecret(environment, dataDirectory, 'stripe-webhook-secret', 'whsec_')]
      : (webhookSecrets ?? []),
    apiUrl: environment.read('STRIPE_API_URL', urlOf('http', 'https'), defaultApiUrl),
    sandboxPort: withSandbox ? sandboxPort : undefined,
    accountId: environment.optional('STRIPE_ACCOUNT_ID', z.string().regex(/^acct_\w+$/, 'a Stripe account id (acct_…)')),
  };
}

function readGuard(environment: Environment, production: boolean): GuardConfig {
  const playground = z.enum(['off', 'admins', 'open'], 'off, admins or open');
  const persisted = z.enum(['off', 'automatic', 'only'], 'off, automatic or only');
  const persistedOperations = environment.read('PERSISTED_OPERATIONS', persisted, production ? 'off' : 'automatic');
  const persistedOperationsFile = environment.optional('PERSISTED_OPERATIONS_FILE', z.string());
  if (persistedOperations === 'only' && !persistedOperationsFile) {
    environment.refuse(
      'PERSISTED_OPERATIONS_FILE',
      'is not set, though PERSISTED_OPERATIONS=only',
      'Set the path of the manifest.',
    );
  }
  return {
    playground: environment.read('PLAYGROUND', playground, production ? 'off' : 'open'),
    introspection: environment.read('INTROSPECTION', yesOrNo, !production),
    persistedOperations,
    persistedOperationsFile,
    rateLimits: environment.read('RATE_LIMITS', yesOrNo, true),
  };
}

function readObservation(environment: Environment, production: boolean): ObservationConfig {
  const metricsToken = environment.optional('METRICS_TOKEN', z.string().min(16, 'at least 16 characters long'), { secret: true });
  return {
    logLevel: environment.read('LOG_LEVEL', z.enum(logLevels, logLevels.join(', ')), production ? 'info' : 'warn'),
    metrics: environment.read('METRICS', yesOrNo, !production || metricsToken !== undefined),
    metricsToken,
    tracing: readTracing(environment),
  };
}

/** https://opentelemetry.io/docs/specs/otel/protocol/exporter/ */
function readTracing(environment: Environment): TracingConfig | undefined {
  const part = z
    .string()
    .regex(/^(0(\.\d+)?|1(\.0+)?)$/, 'a number from 0 to 1')
    .transform(Number);
  const endpoint = environment.optional('OTEL_EXPORTER_OTLP_ENDPOINT', urlOf('http', 'https'));
  const headers = environment.optional('OTEL_EXPORTER_OTLP_HEADERS', z.string(), { secret: true });
  const serviceName = environment.read('OTEL_SERVICE_NAME', z.string(), 'boxoffice');
  const sampledPart = environment.read('OTEL_TRACES_SAMPLER_ARG', part, 1);
  return endpoint ? { endpoint, headers, serviceName, sampledPart } : undefined;
}

function readDevSecret(environment: Environment, dataDirectory: string, name: string, prefix = ''): string {
  try {
    return devSecret(dataDirectory, name, prefix);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    if (!environment.faults.some((fault) => fault.variable === 'DATA_DIR')) {
      environment.refuse(
        'DATA_DIR',
        `${dataDirectory} is not readable and writable (${code})`,
        'Choose a directory that you own.',
      );
    }
    return '';
  }
}
