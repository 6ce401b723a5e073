import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';

export const SECRET = 'a secret that is only used in tests and long enough';

export interface TokenClaims {
  userId?: string;
  role?: string;
  issuer?: string;
  audience?: string;
  expiresInSeconds?: number;
  secret?: string;
}

export function tokenFor(claims: TokenClaims = {}): Promise<string> {
  const { userId = randomUUID(), role = 'viewer', issuer = 'boxoffice', audience = 'boxoffice', expiresInSeconds = 600 } = claims;
  return new SignJWT({ role })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(userId)
    .setIssuer(issuer)
    .setAudience(audience)
    .setExpirationTime(Math.floor(Date.now() / 1_000) + expiresInSeconds)
    .sign(new TextEncoder().encode(claims.secret ?? SECRET));
}
