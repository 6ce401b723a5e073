import type { FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import { cachedFor, withTimeout } from '../runtime/concurrency.js';

/**
 * Checks one dependency. Throws if it is unavailable. A returned string is shown as its state: the server can still serve, perhaps in a
 * degraded mode.
 */
export type ReadinessCheck = () => Promise<unknown>;

export interface HealthParts {
  /** By their names in /readyz. */
  readonly checks: Readonly<Record<string, ReadinessCheck>>;
  isStopping(): boolean;
  readonly logger: Logger;
  /** How long results are cached, in milliseconds, so that floods of probes do not reach the database. */
  readonly cacheMs: number;
}

interface Found {
  readonly ready: boolean;
  readonly state?: string;
  readonly latencyMs: number;
}

const MAX_CHECK_MS = 2_000;

/**
 * `GET /healthz`: this process is alive. `GET /readyz`: whether it can serve (200), or not (503: a dependency is unavailable, or it is
 * stopping), with the latency of each dependency. Reasons are logged, not returned.
 */
export function serveHealth(app: FastifyInstance, { checks, isStopping, logger, cacheMs }: HealthParts): void {
  let askedBy: string | undefined;
  const examine = cachedFor(cacheMs, () =>
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
  if (fault) logger.warn({ dependency: name, err: fault, requestId }, 'dependency unavailable');
  const latencyMs = Math.round((performance.now() - startedAtMs) * 10) / 10;
  return [name, { ready: fault === null, ...(typeof state === 'string' && { state }), latencyMs }];
}

function faultOf(check: ReadinessCheck): Promise<unknown> {
  const checked = check().then(
    () => null,
    (error: unknown) => error ?? new Error('unknown reason'),
  );
  return withTimeout(MAX_CHECK_MS, checked, () => new Error(`no response within ${MAX_CHECK_MS} ms`));
}
