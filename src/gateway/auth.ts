import { createHash } from 'node:crypto';
import { decodeProtectedHeader, errors, type JWTPayload, type JWTVerifyOptions, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import type { IdentityConfig, RoleName } from '../config/config.js';
import type { Clock } from '../runtime/clock.js';
import type { Caller } from '../services/caller.js';
import { parseId } from '../services/ids.js';
import { IdentityUnavailable, ProviderKeys, type ProviderKeysParts, type ProviderKeysState } from './auth/provider-keys.js';

/** The token is invalid: malformed, from another issuer, expired, forged, or without the required claims. */
export class InvalidToken extends Error {
  override readonly name = 'InvalidToken';
}

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

type ClaimSettings = Pick<
  IdentityConfig,
  'audience' | 'audienceClaim' | 'subjectClaim' | 'subjectNamespace' | 'roleClaim' | 'roleMap'
>;

/** Strongest first: of several roles, the strongest applies. */
const ROLES = [
  ['admin', 'ADMIN'],
  ['support', 'SUPPORT'],
  ['service', 'SERVICE'],
  ['viewer', 'VIEWER'],
] as const satisfies readonly (readonly [RoleName, Caller['role']])[];

/** OpenID Connect allows no more: https://openid.net/specs/openid-connect-core-1_0.html#IDToken */
const MAX_SUBJECT_CHARACTERS = 255;
/** Control characters (U+0000 to U+001F, U+007F to U+009F) and lone surrogates. */
const NOT_IN_SUBJECTS = /[\p{Cc}\p{Cs}]/u;

/**
 * The caller that the claims of a verified token identify.
 *
 * @throws InvalidToken when the audience is wrong, or there is no valid subject or role
 */
function callerOf(payload: JWTPayload, settings: ClaimSettings): Caller {
  const audience = readClaim(payload, settings.audienceClaim);
  if (audience !== settings.audience && !(Array.isArray(audience) && audience.includes(settings.audience))) {
    throw new InvalidToken('The token is for another audience.');
  }
  const userId = userIdOf(readClaim(payload, settings.subjectClaim), settings.subjectNamespace);
  const role = strongestRole(readClaim(payload, settings.roleClaim), settings.roleMap);
  if (!role) throw new InvalidToken('The token must have the role viewer, service, support or admin.');
  return { userId, role };
}

/**
 * Finds a claim by its exact name, which may contain dots (`https://example.com/roles`), otherwise by a dotted path
 * (`realm_access.roles`). If a path can be read in several ways, the longest first name wins. Only own properties are read, so that no
 * name reaches a prototype. Undefined if there is none.
 */
export function readClaim(claims: unknown, name: string): unknown {
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return undefined;
  if (Object.hasOwn(claims, name)) return (claims as Record<string, unknown>)[name];
  for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
    const first = name.slice(0, dot);
    if (!Object.hasOwn(claims, first)) continue;
    const found = readClaim((claims as Record<string, unknown>)[first], name.slice(dot + 1));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The subject in lower case if it is a UUID; otherwise mapped to a UUID in the namespace, if there is one. */
function userIdOf(subject: unknown, namespace: string | undefined): string {
  if (typeof subject !== 'string' || subject.trim() === '') throw new InvalidToken('The token has no subject.');
  const id = parseId(subject);
  if (id) return id;
  if (!namespace) throw new InvalidToken('The subject of the token is not a UUID.');
  if ([...subject].length > MAX_SUBJECT_CHARACTERS || NOT_IN_SUBJECTS.test(subject)) {
    throw new InvalidToken('The subject of the token is invalid.');
  }
  return uuidV5(namespace, subject);
}

/** The UUID of a name in a namespace (SHA-1), in lower case: https://www.rfc-editor.org/rfc/rfc9562#section-5.5 */
export function uuidV5(namespace: string, name: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name, 'utf8')
    .digest();
  hash.writeUInt8((hash.readUInt8(6) & 0x0f) | 0x50, 6);
  hash.writeUInt8((hash.readUInt8(8) & 0x3f) | 0x80, 8);
  return hash.toString('hex', 0, 16).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** A claim is one role, several separated by spaces (like OAuth's `scope`), or a list of roles. */
function strongestRole(claim: unknown, roleMap: IdentityConfig['roleMap']): Caller['role'] | undefined {
  const names = new Set((Array.isArray(claim) ? claim : namesOf(claim, roleMap)).map((name) => meaningOf(name, roleMap)));
  return ROLES.find(([name]) => names.has(name))?.[1];
}

/** A name that is mapped as a whole is not split at its spaces. */
function namesOf(claim: unknown, roleMap: IdentityConfig['roleMap']): string[] {
  if (typeof claim !== 'string') return [];
  return roleMap.has(claim) ? [claim] : claim.split(' ');
}

/** A mapped name means only what it is mapped to. */
const meaningOf = (name: unknown, roleMap: IdentityConfig['roleMap']): unknown =>
  typeof name === 'string' ? (roleMap.get(name) ?? name) : undefined;
