import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { resuming } from './resume.js';

export const url = process.env.BOXOFFICE_URL ?? 'http://localhost:4000';

/** Where an app would ask its identity provider. Called for each request and each new socket, so a new token is used at once. */
export async function token(): Promise<string> {
  const given = process.env.BOXOFFICE_TOKEN;
  if (!given) throw new Error('Set BOXOFFICE_TOKEN to the token of the viewer that npm start prints.');
  return given;
}

/** How often the line was up, and how to cut it: only the story needs this, an app does not. */
export const line = { connections: 0, cut: () => {} };

/** In a browser leave `webSocketImpl` out. */
export const socket = resuming(
  createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: async () => ({ token: await token() }),
    retryAttempts: Number.POSITIVE_INFINITY,
    // 4403: the token has expired, and the next one may do. 4413: this client was too slow, and goes on after its cursor.
    shouldRetry: () => true,
    on: {
      connected: (opened) => {
        line.connections += 1;
        line.cut = () => (opened as WebSocket).terminate();
      },
    },
  }),
);
