import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { ownFile, packageFile, serveFiles, setPageHeaders } from './served-files.js';

/** GraphiQL's editor sets styles of its own at run time; scripts come from this server alone. */
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
  /** What the token is called in the headers of a tab: `Bearer {{admin}}`. */
  name: 'admin' | 'service' | 'viewer';
  token: string;
}

export interface PlaygroundSettings {
  /** open: for anyone (development); admins: behind an admin's token; off: not there. */
  access: 'off' | 'admins' | 'open';
  /** Whether PUBLIC_URL is https: TLS may end at a proxy, and the requests that come here say nothing of it. */
  secureCookies: boolean;
  /** Does this token speak for an admin? A bad token is a no; fails only when the keys that would tell cannot be fetched. */
  isAdmin(token: string): Promise<boolean>;
  /** Fresh tokens that fill the ready tabs; development only. */
  tokens?: () => Promise<readonly PlaygroundToken[]>;
}

/** The playground at `/playground`: GraphiQL from this package, with tabs that tell the story of the house. */
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
  // The page holds nothing secret, yet one who may not use the playground need not see it.
  serveFiles(app, { '/playground/index.html': ownFile('public/playground/index.html') }, contentSecurityPolicy, [
    async (request, reply) => {
      if (!(await mayEnter(request, settings))) return reply.redirect('/playground/sign-in');
    },
  ]);
  app.get('/playground', async (request, reply) => {
    setPageHeaders(reply, contentSecurityPolicy);
    const page = (await mayEnter(request, settings)) ? '/playground/index.html' : '/playground/sign-in';
    return reply.header('cache-control', 'no-store').redirect(page);
  });
  app.get('/playground/tokens', async (request, reply) => {
    setPageHeaders(reply, contentSecurityPolicy);
    reply.header('cache-control', 'no-store');
    const site = request.headers['sec-fetch-site'];
    const foreign = site !== undefined && site !== 'same-origin' && site !== 'none';
    if (foreign || settings.access !== 'open' || !settings.tokens) return [];
    return settings.tokens();
  });
  app.post('/playground/session', (request, reply) => signIn(request, reply, settings));
}

async function mayEnter(request: FastifyRequest, settings: PlaygroundSettings): Promise<boolean> {
  if (settings.access === 'open') return true;
  const cookies = (request.headers.cookie ?? '').split(/; */);
  const token = cookies.find((cookie) => cookie.startsWith(`${cookieName}=`))?.slice(cookieName.length + 1);
  return token !== undefined && settings.isAdmin(token);
}

/** The cookie opens the page and nothing else: the API takes tokens from the Authorization header only. */
async function signIn(request: FastifyRequest, reply: FastifyReply, settings: PlaygroundSettings): Promise<FastifyReply> {
  reply.header('cache-control', 'no-store');
  const token = /^Bearer ([\w.~+/=-]+)$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined || !(await settings.isAdmin(token))) {
    return reply.code(403).send({ error: 'This is not the token of an admin, or it has expired.' });
  }
  const secure = settings.secureCookies || request.protocol === 'https' ? '; Secure' : '';
  reply.header('set-cookie', `${cookieName}=${token}; Path=/playground; HttpOnly; SameSite=Strict${secure}`);
  return reply.code(204).send();
}
