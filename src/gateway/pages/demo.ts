import type { FastifyInstance } from 'fastify';
import { ownFile, packageFile, serveFiles, setPageHeaders } from './served-files.js';

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

const PAGE_FILES = [
  'demo.css',
  'parts.css',
  'films.css',
  'demo.js',
  'api.js',
  'back-from-checkout.js',
  'notices.js',
  'operations.js',
  'parts.js',
  'refund-dialog.js',
  'words.js',
  'icon.svg',
];

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
  const page = ['/demo', ownFile('public/demo/index.html')] as const;
  const files = PAGE_FILES.map((name) => [`/demo/${name}`, ownFile(`public/demo/${name}`)] as const);
  const socketClient = ['/demo/graphql-ws.js', packageFile('graphql-ws', 'umd/graphql-ws.min.js')] as const;
  serveFiles(app, Object.fromEntries([page, ...files, socketClient]), contentSecurityPolicy);
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
