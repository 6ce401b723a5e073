import type { FastifyInstance } from 'fastify';
import { type Identity, InvalidToken } from '../auth.js';
import { type DemoViewer, registerDemo } from './demo.js';
import { type PlaygroundSettings, registerPlayground } from './playground.js';

export interface PagesSettings {
  playground: PlaygroundSettings['access'];
  identity: Pick<Identity, 'identify'>;
  /** Whether PUBLIC_URL is https: if so, cookies are sent over https only. */
  secureCookies: boolean;
  /** The demo page and tokens for the example tabs; undefined in production. */
  demo?: {
    /** At least one; the first is the viewer in the playground's example tabs. */
    viewers: readonly DemoViewer[];
    adminId: string;
    serviceId: string;
    tokenFor(userId: string, role: 'viewer' | 'service' | 'admin'): Promise<string>;
  };
}

/** The web pages: the playground, and the demo in development. */
export function servePages(app: FastifyInstance, { playground, identity, secureCookies, demo }: PagesSettings): void {
  registerPlayground(app, {
    access: playground,
    secureCookies,
    isAdmin: (token) => isAdmin(identity, token),
    ...(demo && { tokens: () => playgroundTokens(demo) }),
  });
  if (demo) registerDemo(app, { viewers: demo.viewers, tokenFor: (userId) => demo.tokenFor(userId, 'viewer') });
}

async function playgroundTokens(demo: NonNullable<PagesSettings['demo']>) {
  const viewerId = demo.viewers[0]?.id ?? demo.adminId;
  return [
    { name: 'admin' as const, token: await demo.tokenFor(demo.adminId, 'admin') },
    { name: 'viewer' as const, token: await demo.tokenFor(viewerId, 'viewer') },
    { name: 'service' as const, token: await demo.tokenFor(demo.serviceId, 'service') },
  ];
}

async function isAdmin(identity: PagesSettings['identity'], token: string): Promise<boolean> {
  try {
    return (await identity.identify(token)).caller.role === 'ADMIN';
  } catch (error) {
    if (error instanceof InvalidToken) return false;
    throw error;
  }
}
