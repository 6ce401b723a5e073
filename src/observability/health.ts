import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { keptFor, withTimeout } from '../runtime/concurrency.js';

/**
 * One thing that serving depends on: ends in an error when it cannot be reached. A text that it gives is shown as its state:
 * serving goes on, perhaps less well.
 */
export type ReadinessCheck = () => Promise<unknown>;

export interface HealthParts {
  /** By the names that /readyz shows. */
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
  isStopping(): boolean;
  readonly logger: Logger;
  /** How long what was found is shown to whoever asks again, in milliseconds: floods of probes must not reach the database. */
  readonly cacheMs: number;
}

interface Found {
  readonly ready: boolean;
  readonly state?: string;
  readonly latencyMs: number;
}

const MAX_CHECK_MS = 2_000;

/**
 * `GET /healthz`: this process is alive. `GET /readyz`: it can serve now (200), or not (503: a dependency is out of reach, or
 * it is stopping), with the latency of each dependency. Reasons go to the log, not to strangers.
 */
export function serveHealth(app: FastifyInstance, { checks, isStopping, logger, cacheMs }: HealthParts): void {
  let askedBy: string | undefined;
  const examine = keptFor(cacheMs, () =>
    Promise.all(Object.entries(checks).map(([name, check]) => stateOf(name, check, logger, askedBy))),
  );
  app.get('/healthz', { logLevel: 'silent' }, async () => ({ status: 'alive' }));
  app.get('/readyz', { logLevel: 'silent' }, async (request, reply) => {
    askedBy = request.id;
    const entries = await examine();
    const ready = !isStopping() && entries.every(([, found]) => found.ready);
    return reply.code(ready ? 200 : 503).send({
      status: isStopping() ? 'stopping' : ready ? 'ready' : 'not ready',
      dependencies: Object.fromEntries(entries),
    });
  });
}

async function stateOf(name: string, check: ReadinessCheck, logger: Logger, requestId?: string): Promise<[string, Found]> {
  const startedAtMs = performance.now();
  let state: unknown;
  const fault = await faultOf(async () => {
    state = await check();
  });
  if (fault) logger.warn({ dependency: name, err: fault, requestId }, 'a dependency is out of reach');
  const latencyMs = Math.round((performance.now() - startedAtMs) * 10) / 10;
  return [name, { ready: fault === null, ...(typeof state === 'string' && { state }), latencyMs }];
}

function faultOf(check: ReadinessCheck): Promise<unknown> {
  const checked = check().then(
    () => null,
    (error: unknown) => error ?? new Error('unknown reason'),
  );
  return withTimeout(MAX_CHECK_MS, checked, () => new Error(`no answer within ${MAX_CHECK_MS} ms`));
}
