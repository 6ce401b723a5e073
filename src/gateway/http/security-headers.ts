import { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import helmet from 'helmet';

/** What every answer is sent with, unless it is a page, which says for itself what it may load. */
const contentSecurityPolicy = { directives: { 'default-src': ["'none'"], 'frame-ancestors': ["'none'"] } };

/** Puts helmet's headers on every answer. They are the same for each, so helmet is asked once, not for every request. */
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
