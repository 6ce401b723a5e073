import { createRemoteJWKSet, type JWTVerifyGetKey } from 'jose';
import type { Logger } from 'pino';
import type { Limits } from '../../config/limits.js';
import type { Clock } from '../../runtime/clock.js';

export type ProviderKeysLimits = Pick<Limits, 'jwksFreshMs' | 'jwksStaleMs' | 'jwksCooldownMs' | 'jwksTimeoutMs'>;

export interface ProviderKeysParts {
  readonly clock: Clock;
  readonly limits: ProviderKeysLimits;
  readonly logger: Pick<Logger, 'warn'>;
}

/**
 * CONNECTED: the last fetch succeeded. STALE: the provider cannot be reached, and the last known keys are used. DOWN: it cannot be
 * reached, and there are no usable keys.
 */
export type ProviderKeysState = 'CONNECTED' | 'STALE' | 'DOWN';

/** The keys for verifying tokens could not be fetched; not the caller's fault. */
export class IdentityUnavailable extends Error {
  override readonly name = 'IdentityUnavailable';

  constructor(cause?: unknown) {
    super('The keys for verifying tokens could not be fetched.', { cause });
  }
}

/**
 * The public keys of an identity provider. They are fresh for `jwksFreshMs`; while the provider cannot be reached, they are used for
 * `jwksStaleMs` longer. There is one fetch at a time, and after a failure none within `jwksCooldownMs`. During a known outage, fetches
 * run in the background and requests do not wait for them.
 */
export class ProviderKeys {
  /** Selects a key by `kid`, `kty`, `alg`, `use` and `key_ops`. It never fetches on its own: this class decides when. */
  readonly select: JWTVerifyGetKey;
  /** Incremented by each fetch that returned different keys. */
  version = 0;
  private readonly remote: ReturnType<typeof createRemoteJWKSet>;
  private known = '';
  private fetchedAtMs = Number.NEGATIVE_INFINITY;
  private attemptedAtMs = Number.NEGATIVE_INFINITY;
  /** The error of the last fetch; null if it succeeded. */
  private failure: { readonly cause: unknown } | null = null;
  private fetching: Promise<void> | null = null;

  constructor(
    url: string,
    private readonly parts: ProviderKeysParts,
  ) {
    const never = Number.POSITIVE_INFINITY;
    const settings = { timeoutDuration: parts.limits.jwksTimeoutMs, cacheMaxAge: never, cooldownDuration: never };
    this.remote = createRemoteJWKSet(new URL(url), settings);
    this.select = this.remote;
  }

  /** Whether the keys can be used without asking the provider. */
  isFresh(): boolean {
    return this.ageMs() < this.parts.limits.jwksFreshMs;
  }

  /**
   * Resolves when there are keys to verify with.
   *
   * @throws IdentityUnavailable
   */
  async ready(): Promise<void> {
    if (this.isFresh()) return;
    await this.renew();
    if (!this.isUsable()) throw new IdentityUnavailable(this.failure?.cause);
  }

  /**
   * For a token that none of the keys has signed: fetches the keys again, unless within the cooldown. Returns whether they were fetched.
   *
   * @throws IdentityUnavailable when the provider cannot be reached, so it is unknown whether the token is invalid
   */
  async renewForUnknownKey(): Promise<boolean> {
    if (this.failure === null && this.isCoolingDown()) return false;
    await this.renew();
    if (this.failure) throw new IdentityUnavailable(this.failure.cause);
    return true;
  }

  /** Also renews stale keys, so that an idle process notices through its probes that the provider is back. */
  state(): ProviderKeysState {
    if (!this.isFresh()) void this.renew();
    if (this.failure === null && this.isUsable()) return 'CONNECTED';
    return this.isUsable() ? 'STALE' : 'DOWN';
  }

  private async renew(): Promise<void> {
    // If nothing was fetched for longer than keys are fresh, the outage may be over.
    const isOutage = this.failure !== null && this.now() - this.attemptedAtMs < this.parts.limits.jwksFreshMs;
    if (this.failure === null || !this.isCoolingDown()) this.fetching ??= this.fetch();
    if (!isOutage) await this.fetching;
  }

  private async fetch(): Promise<void> {
    try {
      await this.remote.reload();
      this.fetchedAtMs = this.now();
      const keys = JSON.stringify(this.remote.jwks());
      if (keys !== this.known) this.version++;
      this.known = keys;
      if (this.failure) this.parts.logger.warn('identity provider reachable again; keys fetched');
      this.failure = null;
    } catch (cause) {
      if (!this.failure) this.parts.logger.warn({ err: cause }, 'could not fetch the keys of the identity provider');
      this.failure = { cause };
    } finally {
      this.attemptedAtMs = this.now();
      this.fetching = null;
    }
  }

  /** Infinite before the first fetch. */
  private ageMs(): number {
    return this.now() - this.fetchedAtMs;
  }

  private isUsable(): boolean {
    return this.ageMs() < this.parts.limits.jwksFreshMs + this.parts.limits.jwksStaleMs;
  }

  private isCoolingDown(): boolean {
    return this.now() - this.attemptedAtMs < this.parts.limits.jwksCooldownMs;
  }

  private now(): number {
    return this.parts.clock.now().getTime();
  }
}
