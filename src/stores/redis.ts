import type { Redis, RedisOptions } from 'ioredis';
import { CircuitRedis } from './redis-circuit.js';

export interface RedisSettings {
  url: string;
  /** How long a command may take before it fails, in milliseconds. */
  commandTimeoutMs: number;
  /** After a command that timed out: how long none is sent before Redis is tried again, in milliseconds. */
  retryAfterMs?: number;
  /** Shown in CLIENT LIST. */
  connectionName?: string;
  /** Told when a connection breaks; it is made anew by itself. Called once for each time it breaks. */
  onConnectionError?: (error: Error) => void;
}

const MAX_RECONNECT_DELAY_MS = 2_000;
const DEFAULT_RETRY_AFTER_MS = 2_000;

/**
 * One connection to Redis that comes back by itself. While Redis is down, or does not answer, every command fails at once:
 * nothing of ours may wait for Redis, nor pile up before it.
 */
export function connectRedis(settings: RedisSettings, options: RedisOptions = {}): Redis {
  const connection: RedisOptions = {
    connectionName: settings.connectionName ?? 'boxoffice',
    commandTimeout: settings.commandTimeoutMs,
    connectTimeout: 5_000,
    // ioredis leaves a timer of this length behind when the connection it is to close is gone already.
    disconnectTimeout: 100,
    keepAlive: 10_000,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
    retryStrategy: reconnectDelayMs,
    // A replica that was promoted or demoted while we were connected: go and find the writable one.
    reconnectOnError: (error) => error.message.startsWith('READONLY'),
    ...options,
  };
  const redis = new CircuitRedis(settings.url, connection, settings.retryAfterMs ?? DEFAULT_RETRY_AFTER_MS);
  let told = false;
  redis.on('ready', () => {
    told = false;
  });
  redis.on('error', (error: Error) => {
    if (told) return;
    told = true;
    settings.onConnectionError?.(error);
  });
  return redis;
}

/** Doubles from 50 ms to 2 s, with up to half of it left to chance, so that nodes do not come back all at once. */
function reconnectDelayMs(attempt: number): number {
  const full = Math.min(50 * 2 ** Math.min(attempt - 1, 10), MAX_RECONNECT_DELAY_MS);
  return full / 2 + Math.random() * (full / 2);
}
