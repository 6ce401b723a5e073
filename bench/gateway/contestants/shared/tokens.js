import { createHmac, timingSafeEqual } from 'node:crypto';

const REMEMBERED_COUNT = 10_000;
const remembered = new Map();

/** The viewer of a bearer token (HS256); what was verified once is remembered until it expires, as in the product. */
export function viewerOf(authorization, secret) {
  const known = remembered.get(authorization);
  if (known && known.exp * 1_000 > Date.now()) return known.sub;
  const [head, payload, signature] = (authorization ?? '').replace(/^Bearer /, '').split('.');
  const expected = createHmac('sha256', secret).update(`${head}.${payload}`).digest();
  const given = Buffer.from(signature ?? '', 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error('unauthenticated');
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString());
  if (claims.exp * 1_000 <= Date.now()) throw new Error('expired');
  if (remembered.size >= REMEMBERED_COUNT) remembered.clear();
  remembered.set(authorization, claims);
  return claims.sub;
}
