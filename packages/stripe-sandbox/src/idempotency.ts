import { createHash } from 'node:crypto';
import { IDEMPOTENCY_RETENTION_SECONDS } from './limits.js';
import type { IdempotencyRow } from './store.js';
import { invalidRequest, keyInUse, keyReusedForOtherRequest } from './stripe-error.js';
import type { World } from './world.js';

const MAX_KEY_LENGTH = 255;

/** Stripe's rules for idempotency keys: https://docs.stripe.com/api/idempotent_requests */
export class IdempotencyKeys {
  private readonly running = new Set<string>();

  constructor(private readonly world: World) {}

  /**
   * Returns the response stored for this key, or null for a new key, which is then locked until `release`.
   *
   * @throws idempotency_error: 400 for a different request with the same key, 409 while its first request is in progress
   */
  claim(key: string, requestHash: string): IdempotencyRow | null {
    if (key.length > MAX_KEY_LENGTH) {
      throw invalidRequest(`Idempotency-Key can be at most ${MAX_KEY_LENGTH} characters long.`);
    }
    const kept = this.world.store.idempotency.get(key);
    if (kept !== undefined && this.world.clock.nowSeconds() - kept.created <= IDEMPOTENCY_RETENTION_SECONDS) {
      if (kept.requestHash !== requestHash) throw keyReusedForOtherRequest(key);
      return kept;
    }
    if (this.running.has(key)) throw keyInUse(key);
    this.running.add(key);
    return null;
  }

  release(key: string): void {
    this.running.delete(key);
  }

  /** Stores a response in the transaction that did the work, so that both are on disk or neither is. */
  keep(key: string, answer: { requestHash: string; statusCode: number; text: string }): void {
    const { store, clock } = this.world;
    store.remove(store.idempotency, key);
    store.put(store.idempotency, { id: key, created: clock.nowSeconds(), ...answer });
  }
}

export function hashRequest(method: string, path: string, encodedBody: string): string {
  return createHash('sha256').update(`${method} ${path}\n${encodedBody}`).digest('base64url');
}
