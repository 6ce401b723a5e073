import type { FastifyInstance } from 'fastify';
import { ownFile, packageFile, serveFiles, setPageHeaders } from '../served-files.js';

/** The page loads its own files only and talks to its own server only; `'self'` covers the WebSocket too (CSP level 3). */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

export interface DemoViewer {
  /** The `sub` of the viewer's token. */
  id: string;
  name: string;
}

export interface DemoSettings {
  viewers: readonly DemoViewer[];
  /** A fresh token of a demo viewer. */
  tokenFor(userId: string): Promise<string>;
}

/**
 * The shop window at `/demo`: a page on the public API. It hands out the demo viewers' tokens to whoever asks, so it is
 * for development only and must never be registered in production.
 */
export function registerDemo(app: FastifyInstance, settings: DemoSettings): void {
  serveFiles(
    app,
    {
      '/demo': ownFile('public/demo/index.html'),
      '/demo/demo.css': ownFile('public/demo/demo.css'),
      '/demo/demo.js': ownFile('public/demo/demo.js'),
      '/demo/api.js': ownFile('public/demo/api.js'),
      '/demo/operations.js': ownFile('public/demo/operations.js'),
      '/demo/parts.js': ownFile('public/demo/parts.js'),
      '/demo/words.js': ownFile('public/demo/words.js'),
      '/demo/icon.svg': ownFile('public/demo/icon.svg'),
      '/demo/graphql-ws.js': packageFile('graphql-ws', 'umd/graphql-ws.min.js'),
    },
    contentSecurityPolicy,
  );
  // Where the checkout page sends back to when the buyer named no return URL.
  app.get('/', (request, reply) => {
    const query = request.url.indexOf('?');
    return reply.redirect(`/demo${query === -1 ? '' : request.url.slice(query)}`);
  });
  app.get('/demo/viewers', async (request, reply) => {
    setPageHeaders(reply, contentSecurityPolicy);
    reply.header('cache-control', 'no-store');
    // Sent by every browser of today: another site's page gets no token, whatever CORS allows elsewhere.
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      return reply.code(403).send({ error: 'Only for this page.' });
    return Promise.all(settings.viewers.map(async ({ id, name }) => ({ id, name, token: await settings.tokenFor(id) })));
  });
}
