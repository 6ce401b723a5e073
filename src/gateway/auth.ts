import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { IdentityConfig } from '../config/config.js';
import type { Clock } from '../runtime/clock.js';
import type { Caller } from '../services/caller.js';
import { callerOf, InvalidToken } from './auth/claims.js';
import { IdentityUnavailable, ProviderKeys, type ProviderKeysParts, type ProviderKeysState } from './auth/provider-keys.js';

/** The caller that a token identifies, and until when. */
export interface Identified {
  readonly caller: Caller;
  /** The token is rejected from this instant on; null without a token. */
  readonly expiresAt: Date | null;
}

/** Identifies callers by their tokens, for HTTP and WebSocket. */
export interface Identity {
  /**
   * Without a token, the caller is PUBLIC.
   *
   * @throws InvalidToken, or IdentityUnavailable when the keys cannot be fetched
   */
  identify(token: string | null): Promise<Identified>;
  /** The keys of the identity provider; null when tokens are verified with a shared secret. */
  readonly providerKeys: { state(): ProviderKeysState } | null;
}

/** Public key signatures. Shared secrets are never accepted where keys come from a URL, nor vice versa. */
const PUBLIC_KEY_ALGORITHMS = [
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
];
/** How far the clocks of the token issuer and of this server may differ. */
export const CLOCK_TOLERANCE_SECONDS = 30;
/** How many keys are tried for one token; during a rotation a provider has two or three. */
const MAX_KEYS_TRIED = 16;
/** Longer than the headers that Node accepts. */
const MAX_TOKEN_CHARACTERS = 16_384;
/** How often it is logged that fetched keys cannot be used. */
const UNUSABLE_KEYS_LOG_INTERVAL_MS = 60_000;
const PUBLIC: Identified = { caller: { userId: null, role: 'PUBLIC' }, expiresAt: null };
/** The last instant that a Date can represent, in seconds: ECMA-262, Time Values. */
const LAST_INSTANT_SECONDS = 8.64e12;

/** How many verified tokens are cached. */
const MAX_REMEMBERED_COUNT = 10_000;
const MAX_REMEMBERED_CHARACTERS = 16 * 1_024 * 1_024;

export function createIdentity(settings: IdentityConfig, parts: ProviderKeysParts): Identity {
  const { clock } = parts;
  const providerKeys = settings.jwksUrl ? new ProviderKeys(settings.jwksUrl, parts) : null;
  const verify = providerKeys ? verifierByProvider(settings, providerKeys, clock) : verifierBySecrets(settings, clock);
  const remembered = new LRUCache<string, Identified>({
    max: MAX_REMEMBERED_COUNT,
    maxSize: MAX_REMEMBERED_CHARACTERS,
    sizeCalculation: (_identified, token) => token.length,
  });
  let rememberedVersion = 0;
  let loggedAtMs = Number.NEGATIVE_INFINITY;
  const refuse = (error: unknown): never => {
    const refusal = refusalOf(error);
    const nowMs = clock.now().getTime();
    // ProviderKeys logs when fetching fails; keys that were fetched and cannot be used would be logged for each request.
    if (refusal instanceof IdentityUnavailable && refusal !== error && nowMs - loggedAtMs >= UNUSABLE_KEYS_LOG_INTERVAL_MS) {
      loggedAtMs = nowMs;
      parts.logger.warn({ err: error }, 'the keys for verifying tokens cannot be used');
    }
    throw refusal;
  };
  return {
    providerKeys,
    async identify(token) {
      if (token === null) return PUBLIC;
      if (token.length > MAX_TOKEN_CHARACTERS) throw new InvalidToken('The token is too long.');
      if (providerKeys) {
        if (!providerKeys.isFresh()) await providerKeys.ready();
        // A key may have been revoked, and with it the tokens it signed.
        if (providerKeys.version !== rememberedVersion) remembered.clear();
        rememberedVersion = providerKeys.version;
      }
      const known = remembered.get(token);
      if (known?.expiresAt && known.expiresAt.getTime() > clock.now().getTime()) return known;
      const payload = await verify(token).catch(refuse);
      const identified = { caller: callerOf(payload, settings), expiresAt: expiryOf(payload) };
      // jose rounds a fraction of a second in `exp`.
      if (identified.expiresAt.getTime() <= clock.now().getTime()) throw new InvalidToken('The token has expired.');
      if (!providerKeys || providerKeys.version === rememberedVersion) remembered.set(token, identified);
      return identified;
    },
  };
}

/**
 * The token in an `Authorization` header; null without one. https://www.rfc-editor.org/rfc/rfc6750#section-2.1
 *
 * @throws InvalidToken for any scheme but Bearer, and for several tokens
 */
export function bearerToken(authorization: string | undefined): string | null {
  if (!authorization) return null;
  const match = /^ *Bearer +([\w.~+/-]+=*) *$/i.exec(authorization);
  if (!match?.[1]) throw new InvalidToken('The Authorization header must be "Bearer" followed by a token.');
  return match[1];
}

type Verify = (token: string) => Promise<JWTPayload>;

const optionsOf = ({ issuer }: IdentityConfig, algorithms: string[], clock: Clock): JWTVerifyOptions => ({
  issuer,
  algorithms,
  clockTolerance: CLOCK_TOLERANCE_SECONDS,
  requiredClaims: ['exp'],
  currentDate: clock.now(),
});

function verifierBySecrets(settings: IdentityConfig, clock: Clock): Verify {
  const secrets = settings.secrets.map((secret) => new TextEncoder().encode(secret));
  return (token) => verifyWithEach(token, secrets, optionsOf(settings, ['HS256'], clock));
}

function verifierByProvider(settings: IdentityConfig, keys: ProviderKeys, clock: Clock): Verify {
  const verify: Verify = async (token) => {
    const options = optionsOf(settings, PUBLIC_KEY_ALGORITHMS, clock);
    try {
      return (await jwtVerify(token, keys.select, options)).payload;
    } catch (error) {
      // Without a `kid`, or with one shared by several keys, any of them may have signed.
      if (error instanceof errors.JWKSMultipleMatchingKeys) return verifyWithEach(token, error, options);
      throw error;
    }
  };
  return async (token) => {
    try {
      return await verify(token);
    } catch (error) {
      if (!mayBeOfNewKey(error, token) || !(await keys.renewForUnknownKey())) throw error;
      return verify(token);
    }
  };
}

type Key = Parameters<typeof jwtVerify>[1];

/** Verifies with each key until one matches the signature. Other problems with the token are the same for all keys. */
async function verifyWithEach(
  token: string,
  keys: Iterable<Uint8Array> | AsyncIterable<Exclude<Key, Uint8Array>>,
  options: JWTVerifyOptions,
): Promise<JWTPayload> {
  let tried = 0;
  for await (const key of keys) {
    if (++tried > MAX_KEYS_TRIED) break;
    try {
      return (await jwtVerify(token, key as Uint8Array, options)).payload;
    } catch (error) {
      // A TypeError is about the key, such as an RSA key that is too short.
      if (!(error instanceof errors.JWSSignatureVerificationFailed || error instanceof TypeError)) throw error;
    }
  }
  throw new errors.JWSSignatureVerificationFailed();
}

/** Whether the provider may have a new key: the `kid` is unknown, or there is none and no known key has signed the token. */
function mayBeOfNewKey(error: unknown, token: string): boolean {
  if (error instanceof errors.JWKSNoMatchingKey) return true;
  return error instanceof errors.JWSSignatureVerificationFailed && decodeProtectedHeader(token).kid === undefined;
}

/** jose's error codes for problems with the provider's keys. */
const KEYS_FAULTS = new Set([errors.JWKSInvalid.code]);

function refusalOf(error: unknown): Error {
  if (error instanceof IdentityUnavailable) return error;
  if (error instanceof errors.JWTExpired) return new InvalidToken('The token has expired.');
  const isTokensFault = error instanceof errors.JOSEError && !KEYS_FAULTS.has(error.code);
  return isTokensFault ? new InvalidToken('The token is invalid.') : new IdentityUnavailable(error);
}

/** HTTP and WebSocket reject a token from the same instant: `exp` plus the tolerance. */
function expiryOf({ exp }: JWTPayload): Date {
  const seconds = (exp as number) + CLOCK_TOLERANCE_SECONDS;
  if (!(seconds < LAST_INSTANT_SECONDS)) throw new InvalidToken('The token has no valid `exp`.');
  return new Date(seconds * 1_000);
}
