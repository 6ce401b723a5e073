import { createRemoteJWKSet, errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { Clock } from '../clock.js';
import type { IdentityConfig } from '../config.js';
import type { Caller } from '../services/caller.js';
import { isUuid } from '../services/uuid.js';

/** Who a token stands for, and until when. */
export interface Identified {
  readonly caller: Caller;
  /** Null without a token. */
  readonly expiresAt: Date | null;
}

/** Knows callers by their tokens; the same for HTTP and WebSocket. */
export interface Identity {
  /** No token is PUBLIC. Ends in InvalidToken, or in IdentityUnavailable when the keys cannot be fetched. */
  identify(token: string | null): Promise<Identified>;
}

/** The token is no good: malformed, of another issuer, expired, forged, or without the claims that are needed. */
export class InvalidToken extends Error {
  override readonly name = 'InvalidToken';
}

/** The keys that would tell could not be fetched: not the caller's fault. */
export class IdentityUnavailable extends Error {
  override readonly name = 'IdentityUnavailable';
}

const ROLES = { viewer: 'VIEWER', service: 'SERVICE', admin: 'ADMIN' } as const;
/** Signatures with a public key. A shared secret is never accepted where keys come from a URL, nor the other way round. */
const PUBLIC_KEY_ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** Codes of jose for keys that did not come, or not as keys: ERR_JOSE_GENERIC is an answer other than 200 or without JSON. */
const KEYS_FAULTS = new Set(['ERR_JOSE_GENERIC', errors.JWKSTimeout.code, errors.JWKSInvalid.code]);
const CLOCK_TOLERANCE_SECONDS = 30;
const KEYS_TIMEOUT_MS = 5_000;
const PUBLIC: Identified = { caller: { userId: null, role: 'PUBLIC' }, expiresAt: null };

/** Verified tokens that are remembered, and for how long. Keys are kept as long: a withdrawn one is noticed after twice that. */
const REMEMBERED_COUNT = 10_000;
const REMEMBERED_MS = 60_000;

export function createIdentity(settings: IdentityConfig, clock: Clock): Identity {
  const verify = verifierOf(settings, clock);
  const remembered = new LRUCache<string, Identified>({ max: REMEMBERED_COUNT, ttl: REMEMBERED_MS });
  return {
    async identify(token) {
      if (token === null) return PUBLIC;
      const known = remembered.get(token);
      if (known?.expiresAt && known.expiresAt.getTime() + CLOCK_TOLERANCE_SECONDS * 1_000 > clock.now().getTime()) return known;
      const identified = identifiedBy(await verify(token));
      remembered.set(token, identified);
      return identified;
    },
  };
}

/**
 * The token of an `Authorization` header; null without one. Ends in InvalidToken for any scheme but Bearer.
 * https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 */
export function bearerToken(authorization: string | undefined): string | null {
  if (!authorization) return null;
  const match = /^Bearer +([\w.~+/-]+=*)$/i.exec(authorization.trim());
  if (!match?.[1]) throw new InvalidToken('The Authorization header must be "Bearer" and a token.');
  return match[1];
}

function verifierOf(settings: IdentityConfig, clock: Clock): (token: string) => Promise<JWTPayload> {
  const options: JWTVerifyOptions = {
    issuer: settings.issuer,
    audience: settings.audience,
    algorithms: settings.jwksUrl ? PUBLIC_KEY_ALGORITHMS : ['HS256'],
    clockTolerance: CLOCK_TOLERANCE_SECONDS,
    requiredClaims: ['sub', 'exp'],
  };
  const key: Uint8Array | JWTVerifyGetKey = settings.jwksUrl
    ? createRemoteJWKSet(new URL(settings.jwksUrl), { timeoutDuration: KEYS_TIMEOUT_MS, cacheMaxAge: REMEMBERED_MS })
    : new TextEncoder().encode(settings.secret);
  return async (token) => {
    try {
      const verified = await jwtVerify(token, key as JWTVerifyGetKey, { ...options, currentDate: clock.now() });
      return verified.payload;
    } catch (error) {
      throw refusalOf(error);
    }
  };
}

function refusalOf(error: unknown): Error {
  if (error instanceof errors.JWTExpired) return new InvalidToken('The token has expired.');
  const isTokensFault = error instanceof errors.JOSEError && !KEYS_FAULTS.has(error.code);
  if (isTokensFault) return new InvalidToken('The token is not valid.');
  return new IdentityUnavailable('The keys that tokens are checked with could not be fetched.', { cause: error });
}

function identifiedBy({ sub, role, exp }: JWTPayload): Identified {
  if (!sub || !isUuid(sub)) throw new InvalidToken('The token has no UUID as `sub`.');
  if (typeof role !== 'string' || !Object.hasOwn(ROLES, role)) {
    throw new InvalidToken('The token has none of the roles viewer, service and admin.');
  }
  return {
    caller: { userId: sub.toLowerCase(), role: ROLES[role as keyof typeof ROLES] },
    expiresAt: new Date((exp as number) * 1_000),
  };
}
