import type { FastifyInstance } from 'fastify';

/** `/sandbox/clock` on the gateway's port too: passed to the sandbox, which moves product time and answers. */
export function serveSandboxClock(app: FastifyInstance, sandboxUrl: string): void {
  app.route({
    method: ['GET', 'POST'],
    url: '/sandbox/clock',
    handler: async ({ method, body, headers }, reply) => {
      const site = headers['sec-fetch-site'];
      const response = await fetch(`${sandboxUrl}/sandbox/clock`, {
        method,
        headers: {
          ...(method === 'POST' && { 'content-type': 'application/json' }),
          // The sandbox refuses to be moved by a page of another site.
          ...(typeof site === 'string' && { 'sec-fetch-site': site }),
        },
        ...(method === 'POST' && { body: JSON.stringify(body ?? {}) }),
      });
      return reply
        .code(response.status)
        .type('application/json')
        .send(await response.text());
    },
  });
}
