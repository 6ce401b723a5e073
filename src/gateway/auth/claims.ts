import { createHash } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { IdentityConfig, RoleName } from '../../config/config.js';
import type { Caller } from '../../services/caller.js';
import { parseId } from '../../services/ids.js';

/** The token is no good: malformed, of another issuer, expired, forged, or without the claims that are needed. */
export class InvalidToken extends Error {
  override readonly name = 'InvalidToken';
}

type ClaimSettings = Pick<
  IdentityConfig,
  'audience' | 'audienceClaim' | 'subjectClaim' | 'subjectNamespace' | 'roleClaim' | 'roleMap'
>;

/** The strongest first: of several roles it is the one that counts. */
const ROLES = [
  ['admin', 'ADMIN'],
  ['support', 'SUPPORT'],
  ['service', 'SERVICE'],
  ['viewer', 'VIEWER'],
] as const satisfies readonly (readonly [RoleName, Caller['role']])[];

/** OpenID Connect allows no more: https://openid.net/specs/openid-connect-core-1_0.html#IDToken */
const MAX_SUBJECT_CHARACTERS = 255;
/** U+0000 to U+001F and U+007F to U+009F, and half a surrogate pair: nothing that a name has. */
const NOT_IN_SUBJECTS = /[\p{Cc}\p{Cs}]/u;

/**
 * Who the claims of a verified token speak for.
 *
 * @throws InvalidToken when the audience is another, or there is no subject or role that counts
 */
export function callerOf(payload: JWTPayload, settings: ClaimSettings): Caller {
  const audience = readClaim(payload, settings.audienceClaim);
  if (audience !== settings.audience && !(Array.isArray(audience) && audience.includes(settings.audience))) {
    throw new InvalidToken('The token is not for this audience.');
  }
  const userId = userIdOf(readClaim(payload, settings.subjectClaim), settings.subjectNamespace);
  const role = strongestRole(readClaim(payload, settings.roleClaim), settings.roleMap);
  if (!role) throw new InvalidToken('The token has none of the roles viewer, service, support and admin.');
  return { userId, role };
}

/**
 * A claim by its exact name (which may contain dots, such as `https://example.com/roles`), else by a path of names separated by
 * dots (`realm_access.roles`). Of a path that can be read in several ways, the longest first name counts. Own properties of
 * objects only, so that no name reaches a prototype. Undefined when there is none.
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

/** A subject that is a UUID, in lower case; any other becomes a UUID in the namespace, when there is one. */
function userIdOf(subject: unknown, namespace: string | undefined): string {
  if (typeof subject !== 'string' || subject.trim() === '') throw new InvalidToken('The token has no subject.');
  const id = parseId(subject);
  if (id) return id;
  if (!namespace) throw new InvalidToken('The subject of the token is not a UUID.');
  if ([...subject].length > MAX_SUBJECT_CHARACTERS || NOT_IN_SUBJECTS.test(subject)) {
    throw new InvalidToken('The subject of the token is not valid.');
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

/** A claim is one role, several separated by spaces (as OAuth's `scope`), or a list of roles. */
function strongestRole(claim: unknown, roleMap: IdentityConfig['roleMap']): Caller['role'] | undefined {
  const names = new Set((Array.isArray(claim) ? claim : namesOf(claim, roleMap)).map((name) => meaningOf(name, roleMap)));
  return ROLES.find(([name]) => names.has(name))?.[1];
}

/** A name that is mapped as it stands is not taken apart at its spaces. */
function namesOf(claim: unknown, roleMap: IdentityConfig['roleMap']): string[] {
  if (typeof claim !== 'string') return [];
  return roleMap.has(claim) ? [claim] : claim.split(' ');
}

/** A mapped name means only what it is mapped to. */
const meaningOf = (name: unknown, roleMap: IdentityConfig['roleMap']): unknown =>
  typeof name === 'string' ? (roleMap.get(name) ?? name) : undefined;
