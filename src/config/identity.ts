import { z } from 'zod';
import { type Environment, listOf, mapOf, urlOf } from './env.js';

/** The roles a token can have. */
export const ROLE_NAMES = ['viewer', 'service', 'support', 'admin'] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

/** How tokens are verified: with shared secrets (HS256) or with keys from a URL. Exactly one of the two is set. */
export interface IdentityConfig {
  /** Any of them may have signed a token; the first one signs. There are several during a rotation. Empty with `jwksUrl`. */
  readonly secrets: readonly string[];
  readonly jwksUrl: string | undefined;
  readonly issuer: string;
  readonly audience: string;
  /** Claims, by exact name or dotted path. */
  readonly audienceClaim: string;
  readonly subjectClaim: string;
  /** The UUIDv5 namespace for subjects that are not UUIDs. Undefined: subjects must be UUIDs. */
  readonly subjectNamespace: string | undefined;
  readonly roleClaim: string;
  /** Maps role names in tokens to roles; other names are used unchanged. */
  readonly roleMap: ReadonlyMap<string, RoleName | 'none'>;
}

const roleMap = mapOf(z.enum([...ROLE_NAMES, 'none'], 'viewer, service, support, admin or none'), 'name=role,name=role');

/** `makeSecret` is called in development without JWT_SECRET and JWKS_URL. */
export function readIdentity(environment: Environment, production: boolean, makeSecret: () => string): IdentityConfig {
  // RFC 7518, section 3.2: a key for HS256 must have at least as many bits as the hash.
  const strongSecret = z.string().min(32, 'at least 32 characters long (separate several secrets with commas)');
  const secrets = listOf(strongSecret).refine(
    (list) => list.length >= 1 && list.length <= MAX_SECRETS,
    `1 to ${MAX_SECRETS} secrets`,
  );
  const given = environment.optional('JWT_SECRET', secrets, { secret: true });
  const jwksUrl = environment.optional('JWKS_URL', urlOf('http', 'https'));
  if (environment.has('JWT_SECRET') && environment.has('JWKS_URL')) {
    environment.refuse('JWT_SECRET', 'is set, and so is JWKS_URL', 'Keep one of them.');
  }
  const needsDevSecret = !production && !environment.has('JWT_SECRET') && !environment.has('JWKS_URL');
  return {
    secrets: needsDevSecret ? [makeSecret()] : (given ?? []),
    jwksUrl,
    issuer: environment.read('JWT_ISSUER', z.string(), 'boxoffice'),
    audience: environment.read('JWT_AUDIENCE', z.string(), 'boxoffice'),
    ...readClaims(environment),
  };
}

/** More than a rotation needs. */
const MAX_SECRETS = 10;

type ClaimsConfig = Pick<IdentityConfig, 'audienceClaim' | 'subjectClaim' | 'subjectNamespace' | 'roleClaim' | 'roleMap'>;

function readClaims(environment: Environment): ClaimsConfig {
  const claim = z.string().max(255, 'at most 255 characters long');
  const kind = environment.read('JWT_SUBJECT', z.enum(['uuid', 'any'], 'uuid or any'), 'uuid');
  const subjectNamespace = environment.optional('JWT_SUBJECT_NAMESPACE', z.guid('a UUID'))?.toLowerCase();
  if (kind === 'any' && !environment.has('JWT_SUBJECT_NAMESPACE')) {
    environment.refuse(
      'JWT_SUBJECT_NAMESPACE',
      'is not set, though JWT_SUBJECT=any',
      'Set a UUID that you generate, such as with uuidgen, and never change it: it determines the ids of viewers.',
    );
  }
  return {
    audienceClaim: environment.read('JWT_AUDIENCE_CLAIM', claim, 'aud'),
    subjectClaim: environment.read('JWT_SUBJECT_CLAIM', claim, 'sub'),
    subjectNamespace: kind === 'any' ? subjectNamespace : undefined,
    roleClaim: environment.read('JWT_ROLE_CLAIM', claim, 'role'),
    roleMap: environment.read('JWT_ROLE_MAP', roleMap, new Map()),
  };
}
