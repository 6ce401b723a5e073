import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import proxyAddress from '@fastify/proxy-addr';

/** The proxy's request id if it is valid; otherwise a new one. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.-]{8,128}$/.test(given) ? given : randomUUID();
}

/** The client's address, given the number of trusted proxies in front of this server; like Fastify's `request.ip`. */
export const clientAddress = (request: IncomingMessage, trustedProxyCount: number): string =>
  proxyAddress(request, (_address, hop) => hop < trustedProxyCount);
