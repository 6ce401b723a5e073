import type { ServerOptions } from 'node:http';
import type { Limits } from '../../config/limits.js';

/** Longer than the idle timeout of common load balancers (60 s), so that the load balancer closes first. */
const KEEP_ALIVE_MS = 65_000;
/** How late a client may be disconnected: the interval between checks, as a fraction of the timeout. */
const LATENESS = 0.1;
const MAX_CHECK_INTERVAL_MS = 1_000;

type TimeLimits = Pick<Limits, 'requestTimeoutMs' | 'requestHeaderBytes'>;

/**
 * Fastify's settings against slow clients: if a request, including its headers and body, has not arrived completely within
 * `requestTimeoutMs`, it gets 408 and its connection is closed. By default, Node checks for such connections every 30 s: https://nodejs.org/api/http.html#httpcreateserveroptions-requestlistener
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
