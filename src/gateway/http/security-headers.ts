import { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';

/** The policy for every response except pages, which define their own. */
const contentSecurityPolicy = { directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] } };

/** Adds helmet's headers to every response. They are always the same, so helmet is called only once. */
export function serveSecurityHeaders(app: FastifyInstance): void {
  const headers = headersOf(helmet({ contentSecurityPolicy }));
  app.addHook('onRequest', (_request, reply, done) => {
    reply.headers(headers);
    done();
  });
}

function headersOf(middleware: ReturnType<typeof helmet>): Record<string, string> {
  const request = {} as never;
  const response = new ServerResponse(request);
  middleware(request, response, () => {});
  return Object.fromEntries(Object.entries(response.getHeaders()).map(([name, value]) => [name, String(value)]));
}
