import type { Redis } from 'ioredis';
import { connectRedis, type RedisSettings } from './redis.js';

/** What a checkout session is for: one subscription version, or a top-up of one amount. */
export interface SessionSubject {
  readonly userId: string;
  readonly versionId: string | null;
  /** In minor units. */
  readonly amount: number;
  readonly currency: string;
}

/**
 * Remembers which order has the open session for a subject. This is a hint where to look in the database, never authoritative: entries
 * may be missing, outdated or wrong.
 */
export interface OpenSessions {
  /** The order's id; null if there is no entry or Redis is unavailable. Never throws. */
  find(subject: SessionSubject): Promise<string | null>;
  /** Stored until `expiresAt`, when the session expires. Never throws, never waits. */
  keep(subject: SessionSubject, orderId: string, expiresAt: Date, now: Date): void;
  close(): Promise<void>;
}

/** Without Redis: the database is queried each time. */
export const noOpenSessions: OpenSessions = {
  find: async () => null,
  keep: () => {},
  close: async () => {},
};

const KEY_PREFIX = 'boxoffice:open-session:';

/** Stored in Redis with the session's own expiry, shared by all gateways. */
export class RedisOpenSessions implements OpenSessions {
  private readonly redis: Redis;

  constructor(settings: RedisSettings) {
    this.redis = connectRedis({ ...settings, connectionName: 'boxoffice-open-sessions' });
  }

  async find(subject: SessionSubject): Promise<string | null> {
    return this.redis.get(keyOf(subject)).catch(() => null);
  }

  keep(subject: SessionSubject, orderId: string, expiresAt: Date, now: Date): void {
    const lifetimeMs = expiresAt.getTime() - now.getTime();
    if (lifetimeMs > 0) this.redis.set(keyOf(subject), orderId, 'PX', lifetimeMs).catch(() => undefined);
  }

  async close(): Promise<void> {
    this.redis.disconnect();
  }
}

const keyOf = ({ userId, versionId, amount, currency }: SessionSubject): string =>
  `${KEY_PREFIX}${userId}:${versionId ?? `top-up-${currency}-${amount}`}`;
