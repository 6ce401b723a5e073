import { z } from 'zod';
import { type Environment, listOf, mapOf, urlOf } from './env.js';

/** The roles of tokens. */
export const ROLE_NAMES = ['viewer', 'service', 'support', 'admin'] as const;
export type RoleName = (typeof ROLE_NAMES)[number];

/** How tokens are verified: with shared secrets (HS256) or with the keys at a URL; exactly one of the two is set. */
export interface IdentityConfig {
  /** Each of them may have signed a token, the first one signs: there are several during a rotation. Empty with `jwksUrl`. */
  readonly secrets: readonly string[];
  readonly jwksUrl: string | undefined;
  readonly issuer: string;
  readonly audience: string;
  /** Claims by their exact names or by paths with dots. */
  readonly audienceClaim: string;
  readonly subjectClaim: string;
  /** Where a subject that is not a UUID becomes one (UUIDv5). Undefined: subjects must be UUIDs. */
  readonly subjectNamespace: string | undefined;
  readonly roleClaim: string;
  /** What names of roles in tokens mean; names that are not in it mean themselves. */
  readonly roleMap: ReadonlyMap<string, RoleName | 'none'>;
}

const roleMap = mapOf(z.enum([...ROLE_NAMES, 'none'], 'viewer, service, support, admin or none'), 'name=role,name=role');

/** `makeSecret`: for a server in development without JWT_SECRET and JWKS_URL. */
export function readIdentity(environment: Environment, production: boolean, makeSecret: () => string): IdentityConfig {
  // RFC 7518, section 3.2: a key for HS256 has at least as many bits as the hash.
  const strongSecret = z.string().min(32, 'at least 32 characters long (a comma separates several secrets)');
  const secrets = listOf(strongSecret).refine(
    (list) => list.length >= 1 && list.length <= MAX_SECRETS,
    `1 to ${MAX_SECRETS} secrets`,
  );
  const given = environment.optional('JWT_SECRET', secrets, { secret: true });
  const jwksUrl = environment.optional('JWKS_URL', urlOf('http', 'https'));
  if (environment.has('JWT_SECRET') && environment.has('JWKS_URL')) {
    environment.refuse('JWT_SECRET', 'is set, and JWKS_URL too', 'Keep one of them.');
  }
  const atHome = !production && !environment.has('JWT_SECRET') && !environment.has('JWKS_URL');
  return {
    secrets: atHome ? [makeSecret()] : (given ?? []),
    jwksUrl,
    issuer: environment.read('JWT_ISSUER', z.string(), 'boxoffice'),
    audience: environment.read('JWT_AUDIENCE', z.string(), 'boxoffice'),
    ...readClaims(environment),
  };
}

/** More are no rotation. */
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
      'Set a UUID of your own, such as the output of uuidgen, and never change it: it decides the ids of viewers.',
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
