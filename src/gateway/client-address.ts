import type { IncomingMessage } from 'node:http';
import proxyAddress from '@fastify/proxy-addr';

/** Where a request comes from, when so many proxies in front of this server may be believed: as Fastify's `request.ip`. */
export const clientAddress = (request: IncomingMessage, trustedProxyCount: number): string =>
  proxyAddress(request, (_address, hop) => hop < trustedProxyCount);
