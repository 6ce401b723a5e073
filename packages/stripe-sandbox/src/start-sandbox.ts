import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance } from 'fastify';
import { hostnameOf, isForAllowedHost } from './allowed-host.js';
import { registerApi } from './api-server.js';
import { registerCheckout, registerPay } from './checkout-routes.js';
import { registerControl } from './control-routes.js';
import { MAX_BODY_BYTES, SWEEP_INTERVAL_MS } from './limits.js';
import { type SandboxLogger, type SandboxOptions, settingsFrom } from './options.js';
import { SandboxControl } from './sandbox-control.js';
import { StripeFailure } from './stripe-error.js';
import { sweep } from './sweep.js';
import { WebhookDeliverer } from './webhook-deliverer.js';
import { World } from './world.js';

/** A running sandbox. `control` offers in the process what `/sandbox/*` offers over HTTP. */
export interface Sandbox {
  /** The base URL of Stripe's API and the checkout page: `http://127.0.0.1:port`. */
  readonly url: string;
  readonly port: number;
  readonly secretKey: string;
  readonly control: SandboxControl;
  /** Stops listening and sending; undelivered events are sent after a restart with the same state file. */
  stop(): Promise<void>;
}

/**
 * Starts a local substitute for the parts of Stripe's API that Boxoffice uses, for development and tests. The real SDK talks to it.
 *
 * @throws Error if the port is taken or the state file cannot be read
 */
export async function startSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { logger, ...settings } = settingsFrom(options);
  const world = new World(settings);
  world.webhookUrl = options.webhookUrl;
  const deliverer = new WebhookDeliverer(world, logger);
  const control = new SandboxControl(world, deliverer, options.onClockMoved);
  const server = buildServer(world, control, logger, ownNames(options));
  try {
    await server.listen({ port: options.port, host: settings.host });
  } catch (error) {
    world.store.abandon();
    throw error;
  }
  const { port } = server.server.address() as AddressInfo;
  const url = `http://${settings.host.includes(':') ? `[${settings.host}]` : settings.host}:${port}`;
  world.publicUrl = options.publicUrl ?? url;
  deliverer.resume();
  const timer = startSweeping(world, logger);
  let stopped: Promise<void> | null = null;
  const stop = async () => {
    clearInterval(timer);
    deliverer.stop();
    await server.close();
    world.store.close();
  };
  return {
    url,
    port,
    secretKey: settings.secretKey,
    control,
    stop: () => {
      stopped ??= stop();
      return stopped;
    },
  };
}

function startSweeping(world: World, logger: SandboxLogger): NodeJS.Timeout {
  const timer = setInterval(() => {
    try {
      sweep(world);
    } catch (error) {
      logger.warn({ error }, 'The sandbox could not process due changes; it will retry');
    }
  }, SWEEP_INTERVAL_MS);
  return timer.unref();
}

function ownNames({ host, publicUrl, allowedHosts = [] }: SandboxOptions): ReadonlySet<string> {
  const own = [host?.includes(':') ? `[${host}]` : host, publicUrl && new URL(publicUrl).host];
  return new Set([...own, ...allowedHosts].flatMap((name) => (name ? (hostnameOf(name) ?? []) : [])));
}

function buildServer(world: World, control: SandboxControl, logger: SandboxLogger, names: ReadonlySet<string>): FastifyInstance {
  const server = fastify({ bodyLimit: MAX_BODY_BYTES, forceCloseConnections: true, routerOptions: { maxParamLength: 200 } });
  server.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
    done(null, body),
  );
  server.removeContentTypeParser('text/plain');
  server.setErrorHandler((error, request, reply) => {
    const failure = error instanceof StripeFailure ? error : unexpected(error);
    if (failure.statusCode >= 500)
      logger.warn({ error, address: request.url.split('?')[0] }, 'The sandbox could not answer a request');
    return reply
      .code(failure.statusCode)
      .headers({ ...failure.headers })
      .send({ error: failure.body });
  });
  // The API key is well known, and /sandbox needs none: a page of another site must not reach it under its own name (DNS rebinding).
  server.addHook('onRequest', async ({ raw }) => {
    if (isForAllowedHost(raw, names)) return;
    const message = 'The sandbox does not answer to this host name. Use localhost.';
    throw new StripeFailure(403, { type: 'invalid_request_error', message }, false);
  });
  registerApi(server, world);
  registerCheckout(server, world);
  registerPay(server, world);
  registerControl(server, control);
  return server;
}

/** Request errors found by Fastify keep their status; everything else is a bug in the sandbox. */
function unexpected(error: unknown): StripeFailure {
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  if (status >= 400 && status < 500) {
    return new StripeFailure(status, { type: 'invalid_request_error', message: (error as Error).message }, false);
  }
  return new StripeFailure(500, { type: 'api_error', message: 'The sandbox has a defect; its log says more.' }, false, {
    'Stripe-Should-Retry': 'false',
  });
}
