import type { FastifyInstance } from 'fastify';
import { type Identity, InvalidToken } from '../auth.js';
import { type Demo, registerDemo } from './demo.js';
import { type PlaygroundSettings, registerPlayground } from './playground.js';

export interface PagesSettings extends Pick<PlaygroundSettings, 'secureCookies'> {
  readonly playground: PlaygroundSettings['access'];
  readonly identity: Pick<Identity, 'identify'>;
  /** The demo page and tokens for the example tabs; undefined in production. */
  readonly demo?: Demo;
}

/** The web pages: the playground, and the demo in development. */
export function servePages(app: FastifyInstance, { playground, identity, secureCookies, demo }: PagesSettings): void {
  registerPlayground(app, {
    access: playground,
    secureCookies,
    isAdmin: (token) => isAdmin(identity, token),
    ...(demo && { tokens: () => playgroundTokens(demo) }),
  });
  if (demo) registerDemo(app, demo);
}

const playgroundTokens = ({ viewers, adminId, serviceId, tokenFor }: Demo) =>
  Promise.all([
    tokenFor(adminId, 'admin').then((token) => ({ name: 'admin' as const, token })),
    tokenFor(viewers[0]?.id ?? adminId, 'viewer').then((token) => ({ name: 'viewer' as const, token })),
    tokenFor(serviceId, 'service').then((token) => ({ name: 'service' as const, token })),
  ]);

async function isAdmin(identity: PagesSettings['identity'], token: string): Promise<boolean> {
  try {
    return (await identity.identify(token)).caller.role === 'ADMIN';
  } catch (error) {
    if (error instanceof InvalidToken) return false;
    throw error;
  }
}
