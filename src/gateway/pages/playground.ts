import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ownFile, packageFile, serveFiles, setPageHeaders } from './served-files.js';

/** GraphiQL's editor sets inline styles at run time; scripts come from this server only. */
const contentSecurityPolicy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ');

const cookieName = 'boxoffice-playground';

interface PlaygroundToken {
  /** The token's placeholder in a tab's headers: `Bearer {{admin}}`. */
  name: 'admin' | 'service' | 'viewer';
  token: string;
}

export interface PlaygroundSettings {
  /** open: for anyone (development); admins: requires an admin's token; off: not served. */
  access: 'off' | 'admins' | 'open';
  /** Whether PUBLIC_URL is https. If TLS ends at a proxy, the requests that arrive here do not show it. */
  secureCookies: boolean;
  /** Whether this token belongs to an admin. False for an invalid token; throws only when the signing keys cannot be fetched. */
  isAdmin(token: string): Promise<boolean>;
  /** Fresh tokens for the example tabs; development only. */
  tokens?: () => Promise<readonly PlaygroundToken[]>;
}

/** The playground at `/playground`: GraphiQL, served from this package, with example tabs. */
export function registerPlayground(app: FastifyInstance, settings: PlaygroundSettings): void {
  if (settings.access === 'off') return;
  serveFiles(
    app,
    {
      '/playground/playground.js': ownFile('public/playground/playground.js'),
      '/playground/placeholders.js': ownFile('public/playground/placeholders.js'),
      '/playground/story.js': ownFile('public/playground/story.js'),
      '/playground/playground.css': ownFile('public/playground/playground.css'),
      '/playground/sign-in.js': ownFile('public/playground/sign-in.js'),
      '/playground/sign-in': ownFile('public/playground/sign-in.html'),
      '/playground/icon.svg': ownFile('public/demo/icon.svg'),
      '/playground/graphiql.js': packageFile('graphiql', 'graphiql.min.js'),
      '/playground/graphiql.css': packageFile('graphiql', 'graphiql.min.css'),
      '/playground/react.js': packageFile('react', 'umd/react.production.min.js'),
      '/playground/react-dom.js': packageFile('react-dom', 'umd/react-dom.production.min.js'),
      '/playground/graphql-ws.js': packageFile('graphql-ws', 'umd/graphql-ws.min.js'),
    },
    contentSecurityPolicy,
  );
  // The page contains no secrets, but callers who may not use the playground do not need it.
  serveFiles(app, { '/playground/index.html': ownFile('public/playground/index.html') }, contentSecurityPolicy, [
    async (request, reply) => {
      if (!(await isAllowed(request, settings))) return reply.redirect('/playground/sign-in');
    },
  ]);
  app.get('/playground', async (request, reply) => {
    setPageHeaders(reply, contentSecurityPolicy);
    const page = (await isAllowed(request, settings)) ? '/playground/index.html' : '/playground/sign-in';
    return reply.header('cache-control', 'no-store').redirect(page);
  });
  app.get('/playground/tokens', async (request, reply) => {
    setPageHeaders(reply, contentSecurityPolicy);
    reply.header('cache-control', 'no-store');
    const site = request.headers['sec-fetch-site'];
    const crossSite = site !== undefined && site !== 'same-origin' && site !== 'none';
    if (crossSite || settings.access !== 'open' || !settings.tokens) return [];
    return settings.tokens();
  });
  app.post('/playground/session', (request, reply) => signIn(request, reply, settings));
}

async function isAllowed(request: FastifyRequest, settings: PlaygroundSettings): Promise<boolean> {
  if (settings.access === 'open') return true;
  const cookies = (request.headers.cookie ?? '').split(/; */);
  const token = cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
  return token !== undefined && settings.isAdmin(token);
}

/** The cookie gives access to the page only: the API reads tokens from the Authorization header. */
async function signIn(request: FastifyRequest, reply: FastifyReply, settings: PlaygroundSettings): Promise<FastifyReply> {
  reply.header('cache-control', 'no-store');
  const token = /^Bearer ([\w.~+/=-]+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined || !(await settings.isAdmin(token))) {
    return reply.code(403).send({ error: 'This token does not have the admin role, or it has expired.' });
  }
  const secure = settings.secureCookies || request.protocol === 'https' ? '; Secure' : '';
  reply.header('set-cookie', `${cookieName}=${token}; Path=/playground; HttpOnly; SameSite=Strict${secure}`);
  return reply.code(204).send();
}
