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
  'format.js',
  'icon.svg',
];

export interface Demo {
  /** At least one; the first is the viewer in the playground's example tabs. An id is the `sub` of the viewer's token. */
  readonly viewers: readonly { readonly id: string; readonly name: string }[];
  readonly adminId: string;
  readonly serviceId: string;
  /** A fresh token. */
  tokenFor(userId: string, role: 'viewer' | 'service' | 'admin'): Promise<string>;
}

/**
 * The demo page at `/demo`, built on the public API. It hands out the demo viewers' tokens to any client, so it is for development
 * only and must never be registered in production.
 */
export function registerDemo(app: FastifyInstance, { viewers, tokenFor }: Demo): void {
  const page = ['/demo', ownFile('public/demo/index.html')] as const;
  const files = PAGE_FILES.map((name) => [`/demo/${name}`, ownFile(`public/demo/${name}`)] as const);
  const socketClient = ['/demo/graphql-ws.js', packageFile('graphql-ws', 'umd/graphql-ws.min.js')] as const;
  serveFiles(app, Object.fromEntries([page, ...files, socketClient]), contentSecurityPolicy);
  // Where the checkout page redirects to when the purchase has no return URL.
  app.get('/', (request, reply) => {
    const query = request.url.indexOf('?');
    return reply.redirect(`/demo${query === -1 ? '' : request.url.slice(query)}`);
  });
  app.get('/demo/viewers', async (request, reply) => {
    setPageHeaders(reply, contentSecurityPolicy);
    reply.header('cache-control', 'no-store');
    // Every current browser sends this header: another site's page gets no token, whatever CORS allows elsewhere.
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin' && site !== 'none')
      return reply.code(403).send({ error: 'Only the demo page may request these tokens.' });
    return Promise.all(viewers.map(async ({ id, name }) => ({ id, name, token: await tokenFor(id, 'viewer') })));
  });
}
