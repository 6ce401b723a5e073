import { pino } from 'pino';
import { type Config, readConfig } from '../../src/config/config.js';
import { createGateway, type Gateway, type GatewayOptions } from '../../src/gateway/gateway.js';
import { createEngine } from '../../src/gateway/graphql/engine.js';
import type { Clock } from '../../src/runtime/clock.js';
import type { AppServices } from '../../src/services/services.js';
import { connectRedis } from '../../src/stores/redis.js';
import { SECRET, tokenFor } from '../support/tokens.js';

export { SECRET, tokenFor };

/** Services whose every call, except those given, throws an error that says it was reached. */
export function stubServices(given: { [Name in keyof AppServices]?: unknown } = {}): AppServices {
  const reached = (path: string): unknown =>
    new Proxy(() => Promise.reject(new Error(`reached ${path}`)), {
      get: (target, name) =>
        typeof name === 'symbol' || name in target ? Reflect.get(target, name) : reached(`${path}.${name}`),
    });
  return new Proxy(given, {
    get: (target, name) => Reflect.get(target, name) ?? reached(String(name)),
  }) as AppServices;
}

export interface KitOptions {
  services?: AppServices;
  environment?: Record<string, string>;
  readiness?: GatewayOptions['readiness'];
  connectRedis?: GatewayOptions['connectRedis'];
  clock?: Clock;
  extend?: GatewayOptions['extend'];
  /** warn, unless said otherwise. */
  logLevel?: 'info';
  /** Receives each line of the log. */
  onLog?: (line: string) => void;
}

/** A gateway on a free port of the loopback, with services of the test. */
export async function startGateway(options: KitOptions = {}) {
  const read = readConfig({
    JWT_SECRET: SECRET,
    DATA_DIR: '/nowhere',
    STRIPE_WEBHOOK_SECRET: 'whsec_test',
    PROBE_CACHE_MS: '0',
    ...options.environment,
  });
  const config: Config = { ...read, http: { ...read.http, host: '127.0.0.1', port: 0 } };
  const logger = pino({ level: options.logLevel ?? 'warn' }, { write: (line) => options.onLog?.(line) });
  const gateway: Gateway = await createGateway({
    config,
    engine: await createEngine({ config, logger, tracing: null }),
    services: options.services ?? stubServices(),
    clock: options.clock ?? { now: () => new Date() },
    logger,
    connectRedis: options.connectRedis ?? connectRedis,
    readiness: options.readiness ?? {},
    ...(options.extend && { extend: options.extend }),
  });
  const { url } = await gateway.start();
  const post = (body: unknown, headers: Record<string, string> = {}) =>
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return {
    url,
    gateway,
    post,
    /** Asks as the bearer of a token, or as nobody. */
    async ask(query: string, { token, variables }: { token?: string; variables?: Record<string, unknown> } = {}) {
      const response = await post({ query, variables }, token ? { authorization: `Bearer ${token}` } : {});
      const body = (await response.json()) as Answer;
      return { status: response.status, ...body };
    },
    stop: () => gateway.stop(),
  };
}

export interface Answer {
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape
  data?: any;
  errors?: { message: string; path?: unknown[]; extensions: Record<string, unknown> }[];
  extensions?: Record<string, unknown>;
}
