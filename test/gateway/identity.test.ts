import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { bearerToken, createIdentity, IdentityUnavailable, InvalidToken } from '../../src/gateway/identity.js';
import { SECRET, tokenFor } from './gateway-kit.js';

const userId = '33333333-3333-4333-8333-333333333333';
const settings = { secret: SECRET, jwksUrl: undefined, issuer: 'boxoffice', audience: 'boxoffice' };
let nowMs = Date.now();
const clock = { now: () => new Date(nowMs) };

describe('a token signed with the shared secret', () => {
  const identity = createIdentity(settings, clock);

  test.each([
    ['viewer', 'VIEWER'],
    ['service', 'SERVICE'],
    ['admin', 'ADMIN'],
  ])('with the role %s stands for a %s', async (role, expected) => {
    const { caller, expiresAt } = await identity.identify(await tokenFor({ userId, role }));
    expect(caller).toEqual({ userId, role: expected });
    expect(expiresAt?.getTime()).toBeGreaterThan(nowMs);
  });

  test('that is not there makes the caller PUBLIC', async () => {
    expect(await identity.identify(null)).toEqual({ caller: { userId: null, role: 'PUBLIC' }, expiresAt: null });
  });

  const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{}').toString('base64url')}.`;
  test.each([
    ['of another issuer', () => tokenFor({ issuer: 'somebody' })],
    ['for another audience', () => tokenFor({ audience: 'somebody' })],
    ['signed with another secret', () => tokenFor({ secret: 'another secret that is just as long' })],
    ['long expired', () => tokenFor({ expiresInSeconds: -120 })],
    ['whose subject is no UUID', () => tokenFor({ userId: 'root' })],
    ['with a role that there is not', () => tokenFor({ role: 'constructor' })],
    ['that is no token', async () => 'abc'],
    ['without a signature', async () => unsigned],
  ])('%s is refused', async (_what, make) => {
    await expect(identity.identify(await make())).rejects.toThrow(InvalidToken);
  });

  test('is refused once it has expired, though it was good before', async () => {
    const token = await tokenFor({ expiresInSeconds: 60 });
    await identity.identify(token);
    nowMs += 120_000;
    await expect(identity.identify(token)).rejects.toThrow('expired');
    nowMs = Date.now();
  });
});

describe('a token signed with a key of the JWKS URL', () => {
  let server: Server;
  let url: string;
  let sign: (algorithm?: string) => Promise<string>;
  /** What the provider answers with when it is not well. */
  let broken: { status: number; body: string } | null = null;

  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one', alg: 'ES256', use: 'sig' }] });
    server = createServer((_request, response) => {
      response.statusCode = broken?.status ?? 200;
      response.end(broken?.body ?? keys);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    sign = () =>
      new SignJWT({ role: 'admin' })
        .setProtectedHeader({ alg: 'ES256', kid: 'one' })
        .setSubject(userId)
        .setIssuer('boxoffice')
        .setAudience('boxoffice')
        .setExpirationTime('5m')
        .sign(privateKey);
  });
  afterAll(() => new Promise((resolve) => server.close(resolve)));

  test('is known', async () => {
    const identity = createIdentity({ ...settings, secret: undefined, jwksUrl: url }, { now: () => new Date() });
    expect((await identity.identify(await sign())).caller).toEqual({ userId, role: 'ADMIN' });
  });

  test('is the only kind that is taken: a shared secret is not', async () => {
    const identity = createIdentity({ ...settings, secret: undefined, jwksUrl: url }, { now: () => new Date() });
    await expect(identity.identify(await tokenFor())).rejects.toThrow(InvalidToken);
  });

  test.each([
    [500, '{}'],
    [200, '<html>'],
    [200, '{"error":"down for maintenance"}'],
  ])('is not called bad when the provider of the keys answers %i %s', async (status, body) => {
    broken = { status, body };
    const identity = createIdentity({ ...settings, secret: undefined, jwksUrl: url }, { now: () => new Date() });
    await expect(identity.identify(await sign())).rejects.toThrow(IdentityUnavailable);
    broken = null;
  });
});

describe('the Authorization header', () => {
  test('may be missing', () => expect(bearerToken(undefined)).toBeNull());
  test('carries a bearer token, whatever the case of the scheme', () => expect(bearerToken('bearer abc.def')).toBe('abc.def'));
  test.each(['Basic abc', 'Bearer', 'Bearer a b', 'abc'])('%p is refused', (header) => {
    expect(() => bearerToken(header)).toThrow(InvalidToken);
  });
});
