import { createHash } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { IdentityConfig, RoleName } from '../../config/config.js';
import type { Caller } from '../../services/caller.js';
import { parseId } from '../../services/ids.js';

/** The token is invalid: malformed, from another issuer, expired, forged, or without the required claims. */
export class InvalidToken extends Error {
  override readonly name = 'InvalidToken';
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
export function callerOf(payload: JWTPayload, settings: ClaimSettings): Caller {
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
