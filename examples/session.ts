import { createClient } from 'graphql-ws';
import WebSocket from 'ws';
import { resuming } from './resume.js';

export const url = process.env.BOXOFFICE_URL ?? 'http://localhost:4000';

/** An app would ask its identity provider here. Called for each request and each new socket, so a new token is used immediately. */
export async function token(): Promise<string> {
  const configured = process.env.BOXOFFICE_TOKEN;
  if (!configured) throw new Error('Set BOXOFFICE_TOKEN to the viewer token that npm start prints.');
  return configured;
}

/** How often the socket has connected, and how to disconnect it. Only the story needs this; an app does not. */
export const connection = { count: 0, cut: () => {} };

/** In a browser, omit `webSocketImpl`. */
export const socket = resuming(
  createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: WebSocket,
    connectionParams: async () => ({ token: await token() }),
    retryAttempts: Number.POSITIVE_INFINITY,
    // Also after 4403 (the token has expired, a new one may work) and 4413 (this client was too slow; it resumes after its cursor).
    shouldRetry: () => true,
    on: {
      connected: (opened) => {
        connection.count += 1;
        connection.cut = () => (opened as WebSocket).terminate();
      },
    },
  }),
);
