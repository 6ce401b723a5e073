import type { ServerOptions } from 'node:http';
import type { Limits } from '../../config/limits.js';

/** Longer than the idle time of common load balancers (60 s), so that it is they who close. */
const KEEP_ALIVE_MS = 65_000;
/** How late a client may be cut off: the time between two looks at the connections, as a part of what they are given. */
const LATENESS = 0.1;
const MAX_CHECK_INTERVAL_MS = 1_000;

type TimeLimits = Pick<Limits, 'requestTimeoutMs' | 'requestHeaderBytes'>;

/**
 * Fastify's settings for a server that no client can hold up: a request that has not come in whole within `requestTimeoutMs`, its
 * headers, its body, or a first byte at all, is answered 408 and its connection closed. Node looks for these connections every
 * 30 s unless it is told: https://nodejs.org/api/http.html#httpcreateserveroptions-requestlistener
 */
export function serverTimeouts({ requestTimeoutMs, requestHeaderBytes }: TimeLimits) {
  const connectionsCheckingInterval = Math.ceil(Math.min(requestTimeoutMs * LATENESS, MAX_CHECK_INTERVAL_MS));
  const http: ServerOptions = {
    headersTimeout: requestTimeoutMs,
    requestTimeout: requestTimeoutMs,
    connectionsCheckingInterval,
    maxHeaderSize: requestHeaderBytes,
  };
  return { http, requestTimeout: requestTimeoutMs, keepAliveTimeout: KEEP_ALIVE_MS };
}
