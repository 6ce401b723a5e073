import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import proxyAddress from '@fastify/proxy-addr';

/** A proxy's id goes on when it is a plain one; else the request gets its own. */
export function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.-]{8,128}$/.test(given) ? given : randomUUID();
}

/** Where a request comes from, when so many proxies in front of this server may be believed: as Fastify's `request.ip`. */
export const clientAddress = (request: IncomingMessage, trustedProxyCount: number): string =>
  proxyAddress(request, (_address, hop) => hop < trustedProxyCount);
