import type { FastifyInstance } from 'fastify';
import { isForAllowedHost } from '../../config/allowed-host.js';
import { refuse } from './graphql-endpoint.js';

/** Routes without confidential data that are called under any host: probes by address, and (signed) webhooks through a tunnel. */
const OPEN_ROUTES = new Set(['/healthz', '/readyz', '/metrics', '/webhooks/stripe']);

/** Rejects requests for hosts other than loopback and `names` with 403, on all routes except health, metrics and webhooks. */
export function serveHostCheck(app: FastifyInstance, names: ReadonlySet<string>): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (OPEN_ROUTES.has(request.routeOptions.url ?? '') || isForAllowedHost(request.raw, names)) return done();
    return refuse(reply, 403, 'FORBIDDEN', 'This host name is not allowed in development. Add it to ALLOWED_HOSTS.');
  });
}
