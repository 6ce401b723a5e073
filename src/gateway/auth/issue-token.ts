import { SignJWT } from 'jose';
import type { IdentityConfig, RoleName } from '../../config/config.js';

/**
 * Issues a JWT (HS256) that this server accepts, signed with the first secret, for development, tests and scripts. Real front ends use
 * tokens from an identity provider.
 *
 * @throws Error when tokens are verified with keys from a URL, for which there is no secret
 */
export async function issueToken(
  settings: IdentityConfig,
  bearer: { userId: string; role: RoleName; expiresInSeconds: number },
  now: Date,
): Promise<string> {
  const [secret] = settings.secrets;
  if (!secret) throw new Error('Tokens are verified with JWKS_URL: get one from your identity provider.');
  const { audience, audienceClaim, subjectClaim, roleClaim } = settings;
  const issuedAt = Math.floor(now.getTime() / 1000);
  // A claim's exact name takes precedence over a path, so this works for names with dots too.
  const claims = { [audienceClaim]: audience, [subjectClaim]: bearer.userId, [roleClaim]: nameOf(bearer.role, settings.roleMap) };
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setIssuer(settings.issuer)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + bearer.expiresInSeconds)
    .sign(new TextEncoder().encode(secret));
}

/** The name of the role in tokens. */
function nameOf(role: RoleName, roleMap: IdentityConfig['roleMap']): string {
  if ((roleMap.get(role) ?? role) === role) return role;
  const name = [...roleMap.keys()].find((mapped) => roleMap.get(mapped) === role);
  if (name === undefined) throw new Error(`JWT_ROLE_MAP has no name for the role ${role}.`);
  return name;
}
