import type { Redis, RedisOptions } from 'ioredis';
import { CircuitRedis } from './redis-circuit.js';

export interface RedisSettings {
  url: string;
  /** How long a command may take before it fails, in milliseconds. */
  commandTimeoutMs: number;
  /** How long no command is sent after one timed out, in milliseconds. */
  retryAfterMs?: number;
  /** Shown in CLIENT LIST. */
  connectionName?: string;
  /** Called once each time the connection is lost; it reconnects automatically. */
  onConnectionError?: (error: Error) => void;
}

const MAX_RECONNECT_DELAY_MS = 2_000;
const DEFAULT_RETRY_AFTER_MS = 2_000;

/**
 * One connection to Redis, which reconnects automatically. While Redis is down or unresponsive, every command fails immediately: nothing
 * may wait for Redis or queue up for it.
 */
export function connectRedis(settings: RedisSettings, options: RedisOptions = {}): Redis {
  const connection: RedisOptions = {
    connectionName: settings.connectionName ?? 'boxoffice',
    commandTimeout: settings.commandTimeoutMs,
    connectTimeout: 5_000,
    // If the connection is already closed, ioredis leaves a timer of this length.
    disconnectTimeout: 100,
    keepAlive: 10_000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: reconnectDelayMs,
    // After a failover, this server may have become a replica: reconnect to find the writable one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...options,
  };
  const redis = new CircuitRedis(settings.url, connection, settings.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS);
  let reported = false;
  redis.on('ready', () => {
    reported = false;
  });
  redis.on('error', (error: Error) => {
    if (reported) return;
    reported = true;
    settings.onConnectionError?.(error);
  });
  return redis;
}

/** Doubles from 50 ms to 2 s, up to half of it random, so that nodes do not all reconnect at once. */
function reconnectDelayMs(attempt: number): number {
  const full = Math.min(50 * 2 ** Math.min(attempt - 1, 10), MAX_RECONNECT_DELAY_MS);
  return full / 2 + Math.random() * (full / 2);
}
