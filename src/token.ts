import { SignJWT } from 'jose';
import type { IdentityConfig } from './config.js';

export const TOKEN_ROLES = ['viewer', 'service', 'admin'] as const;
export type TokenRole = (typeof TOKEN_ROLES)[number];

/**
 * A JWT (HS256) that this house takes: for development, tests and scripts. Real front ends bring tokens of an identity
 * provider. Fails when tokens are checked by keys at a URL, for which there is no secret here.
 */
export async function issueToken(
  settings: IdentityConfig,
  bearer: { userId: string; role: TokenRole; expiresInSeconds: number },
  now: Date,
): Promise<string> {
  if (!settings.secret) throw new Error('Tokens are checked by JWKS_URL: take one from your identity provider.');
  const issuedAt = Math.floor(now.getTime() / 1000);
  return new SignJWT({ role: bearer.role })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(bearer.userId)
    .setIssuer(settings.issuer)
    .setAudience(settings.audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + bearer.expiresInSeconds)
    .sign(new TextEncoder().encode(settings.secret));
}
