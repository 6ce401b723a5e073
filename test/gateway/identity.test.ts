import { createHmac, randomBytes, randomUUID } from 'node:crypto';
import { describe, expect, test } from '@jest/globals';
import { CompactSign } from 'jose';
import { readConfig } from '../../src/config/config.js';
import { bearerToken, createIdentity, InvalidToken, readClaim, uuidV5 } from '../../src/gateway/auth.js';
import { SECRET, tokenFor } from './gateway-kit.js';

const userId = '33333333-3333-4333-8333-333333333333';
const NAMESPACE = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
let nowMs = Date.now();
const clock = { now: () => new Date(nowMs) };

/** As the environment says, with the secret of the tests. */
function identityWith(environment: Record<string, string> = {}) {
  const config = readConfig({ JWT_SECRET: SECRET, DATA_DIR: '/nowhere', STRIPE_WEBHOOK_SECRET: 'whsec_test', ...environment });
  return createIdentity(config.identity, { clock, limits: config.limits, logger: { warn: () => undefined } });
}

const nowSeconds = () => Math.floor(nowMs / 1_000);

/** A token with exactly these claims and the issuer, assembled manually: jose would not sign some of them. */
async function sign(
  claims: object,
  { secret = SECRET, header = {} }: { secret?: string; header?: object } = {},
): Promise<string> {
  const parts = [
    { alg: 'HS256', ...header },
    { iss: 'boxoffice', ...claims },
  ];
  const signed = parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

const usual = () => ({ sub: userId, role: 'viewer', aud: 'boxoffice', exp: nowSeconds() + 600 });

describe('a token signed with the shared secret', () => {
  const identity = identityWith();

  test.each([
    ['viewer', 'VIEWER'],
    ['service', 'SERVICE'],
    ['support', 'SUPPORT'],
    ['admin', 'ADMIN'],
  ])('with the role %s identifies a %s', async (role, expected) => {
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
    ['without an expiry', () => sign({ ...usual(), exp: undefined })],
    ['whose expiry is no instant', () => sign({ ...usual(), exp: 1e300 })],
    ['that is not valid yet', () => sign({ ...usual(), nbf: nowSeconds() + 60 })],
    ['without an audience', () => sign({ ...usual(), aud: undefined })],
    ['whose audience only begins with ours', () => sign({ ...usual(), aud: 'boxoffice-staging' })],
    ['without a role', () => sign({ ...usual(), role: undefined })],
    ['whose role is in capitals', () => sign({ ...usual(), role: 'ADMIN' })],
    ['whose roles are an object', () => sign({ ...usual(), role: { admin: true } })],
    ['of an algorithm that is not HS256', () => sign(usual(), { header: { alg: 'HS512' } })],
    ['with an extension that must be understood and is not', () => sign(usual(), { header: { crit: ['exp2'], exp2: 1 } })],
    ['without a subject', () => sign({ ...usual(), sub: undefined })],
    ['whose subject is a number', () => sign({ ...usual(), sub: 7 })],
    ['that is longer than any header', async () => `${'a'.repeat(20_000)}.b.c`],
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

describe('several secrets', () => {
  const first = 'the first of two secrets and long enough';
  const second = 'the second of two secrets and long enough';

  test('are all accepted while they are rotated, whatever the `kid` of the token, and no other is', async () => {
    const identity = identityWith({ JWT_SECRET: `${first}, ${second}` });
    for (const secret of [first, second]) {
      expect((await identity.identify(await sign(usual(), { secret, header: { kid: 'any' } }))).caller.role).toBe('VIEWER');
    }
    for (const secret of [SECRET, `${first}, ${second}`, '']) {
      await expect(identity.identify(await sign(usual(), { secret: secret || 'x'.repeat(32) }))).rejects.toThrow(InvalidToken);
    }
  });

  test('say the same about an expired token as one secret does', async () => {
    const identity = identityWith({ JWT_SECRET: `${first},${second}` });
    const token = await sign({ ...usual(), exp: nowSeconds() - 600 }, { secret: second });
    await expect(identity.identify(token)).rejects.toThrow('expired');
  });
});

describe('the instant of expiry', () => {
  test.each([0, 0.5])(
    'is `exp` and the tolerance of 30 s, for first and for remembered use of a token (exp + %d s)',
    async (fraction) => {
      nowMs = 1_900_000_000_000;
      const exp = nowSeconds() + 60 + fraction;
      const [used, unused] = await Promise.all([sign({ ...usual(), exp }), sign({ ...usual(), exp, jti: 'unused' })]);
      const identity = identityWith();
      const { expiresAt } = await identity.identify(used);
      expect(expiresAt?.getTime()).toBe((exp + 30) * 1_000);
      nowMs = (exp + 30) * 1_000 - 1;
      for (const token of [used, unused]) expect((await identity.identify(token)).expiresAt).toEqual(expiresAt);
      nowMs += 1;
      const third = await sign({ ...usual(), exp, jti: 'third' });
      for (const token of [used, unused, third]) await expect(identity.identify(token)).rejects.toThrow('The token has expired.');
      nowMs = Date.now();
    },
  );

  test('does not depend on `iat`, which may lie in the future', async () => {
    const token = await sign({ ...usual(), iat: nowSeconds() + 3_600 });
    expect((await identityWith().identify(token)).caller.userId).toBe(userId);
  });

  test('has a counterpart in `nbf`, with the same tolerance', async () => {
    const token = await sign({ ...usual(), nbf: nowSeconds() + 29 });
    expect((await identityWith().identify(token)).caller.userId).toBe(userId);
  });
});

describe('claims', () => {
  test.each<[string, unknown, unknown]>([
    ['role', { role: 1 }, 1],
    ['https://example.com/roles', { 'https://example.com/roles': ['a'] }, ['a']],
    ['cognito:groups', { 'cognito:groups': ['a'] }, ['a']],
    ['realm_access.roles', { realm_access: { roles: ['a'] } }, ['a']],
    ['realm_access.roles', { 'realm_access.roles': 'exact', realm_access: { roles: ['a'] } }, 'exact'],
    ['resource_access.my.app.roles', { resource_access: { 'my.app': { roles: ['a'] } } }, ['a']],
    ['https://example.com/app.roles', { 'https://example.com/app': { roles: ['a'] } }, ['a']],
    ['a.b', { a: { c: 1 } }, undefined],
    ['a.0', { a: ['x'] }, undefined],
    ['a.length', { a: 'text' }, undefined],
    ['constructor', {}, undefined],
    ['constructor.name', {}, undefined],
    ['__proto__', {}, undefined],
    ['__proto__.roles', JSON.parse('{"__proto__":{"roles":"own"}}'), 'own'],
    ['a.__proto__.toString', { a: {} }, undefined],
    ['.', {}, undefined],
    ['..', { '': { '': 1 } }, undefined],
  ])('%s of %j is %j', (name, claims, expected) => {
    expect(readClaim(claims, name)).toEqual(expected);
  });

  test('for the role are configurable, with the names of the provider, and the strongest role wins', async () => {
    const identity = identityWith({
      JWT_ROLE_CLAIM: 'realm_access.roles',
      JWT_ROLE_MAP: 'boxoffice-admin=admin, editor=support,a=b=viewer,admin=none',
    });
    const roleOf = async (roles: unknown) =>
      (await identity.identify(await sign({ ...usual(), role: 'admin', realm_access: { roles } }))).caller.role;
    expect(await roleOf(['offline_access', 'viewer', 'boxoffice-admin', 'editor'])).toBe('ADMIN');
    expect(await roleOf(['viewer', 'service', 'editor'])).toBe('SUPPORT');
    expect(await roleOf(['viewer', 'service'])).toBe('SERVICE');
    expect(await roleOf('viewer editor')).toBe('SUPPORT');
    expect(await roleOf('a=b')).toBe('VIEWER');
    expect(await roleOf(['viewer', 'admin'])).toBe('VIEWER');
    for (const roles of [
      [],
      '',
      'admin',
      ['constructor'],
      '__proto__',
      [['admin']],
      [null, 7],
      { 'boxoffice-admin': true },
      null,
    ]) {
      await expect(roleOf(roles)).rejects.toThrow(InvalidToken);
    }
  });

  test.each([
    ['azp', { azp: 'films-app', aud: 'account' }],
    ['client_id', { client_id: 'films-app', aud: undefined }],
    ['aud', { aud: ['account', 'films-app'] }],
  ])('for the audience may be %s', async (claim, given) => {
    const identity = identityWith({ JWT_AUDIENCE: 'films-app', JWT_AUDIENCE_CLAIM: claim });
    expect((await identity.identify(await sign({ ...usual(), ...given }))).caller.role).toBe('VIEWER');
    await expect(identity.identify(await sign({ ...usual(), azp: 'other', client_id: 'other', aud: 'other' }))).rejects.toThrow(
      InvalidToken,
    );
  });
});

describe('a subject that is not a UUID', () => {
  const any = { JWT_SUBJECT: 'any', JWT_SUBJECT_NAMESPACE: NAMESPACE.toUpperCase() };

  // https://www.rfc-editor.org/rfc/rfc9562#name-example-of-a-uuidv5-value
  test('becomes the UUIDv5 of RFC 9562', () => {
    expect(uuidV5(NAMESPACE, 'www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
  });

  test('is accepted with JWT_SUBJECT=any, exactly as it is written, and a UUID stays what it is', async () => {
    const identity = identityWith(any);
    const userIdOf = async (sub: unknown) => (await identity.identify(await sign({ ...usual(), sub }))).caller.userId;
    expect(await userIdOf('www.example.com')).toBe('2ed6657d-e927-568b-95e1-2665a8aea6a2');
    expect(await userIdOf('WWW.example.com')).toBe(uuidV5(NAMESPACE, 'WWW.example.com'));
    expect(await userIdOf('auth0|5f7c8ec7')).toBe(uuidV5(NAMESPACE, 'auth0|5f7c8ec7'));
    expect(await userIdOf(userId.replaceAll('3', 'A'))).toBe(userId.replaceAll('3', 'a'));
    expect(await userIdOf('é'.repeat(255))).toBe(uuidV5(NAMESPACE, 'é'.repeat(255)));
  });

  test.each([
    ['empty', ''],
    ['blank', ' '],
    ['too long', 'x'.repeat(256)],
    ['a number', 7],
    ['a list', ['root']],
    ['with NUL', 'ro\0ot'],
    ['with a line break', 'root\n'],
    ['with half a surrogate pair', 'root\ud800'],
    ['missing', undefined],
  ])('is refused when it is %s', async (_what, sub) => {
    await expect(identityWith(any).identify(await sign({ ...usual(), sub }))).rejects.toThrow(InvalidToken);
  });

  test('may come from another claim', async () => {
    const identity = identityWith({ ...any, JWT_SUBJECT_CLAIM: 'user.id' });
    const token = await sign({ ...usual(), sub: undefined, user: { id: 'root' } });
    expect((await identity.identify(token)).caller.userId).toBe(uuidV5(NAMESPACE, 'root'));
  });
});

test('Whatever is sent as a token is a bad token, never a defect', async () => {
  const [header, payload, signature] = (await tokenFor()).split('.') as [string, string, string];
  const encoded = (value: unknown) =>
    Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');
  const headers = [
    null,
    [],
    {},
    '',
    '{',
    { alg: 7 },
    { alg: 'HS256', b64: false, crit: ['b64'] },
    { alg: 'constructor' },
    { alg: 'dir' },
  ];
  const tokens = [
    ...headers.map((odd) => `${encoded(odd)}.${payload}.${signature}`),
    ...['', '.', '..', '...', '....', 'a.b', `${header}.${payload}`, `${header}.${payload}.`, `${header}..${signature}`],
    ...Array.from(
      { length: 50 },
      () => `${header}.${randomBytes(20).toString('base64url')}.${randomBytes(32).toString('base64url')}`,
    ),
    randomUUID(),
  ];
  for (const token of tokens) await expect(identityWith().identify(token)).rejects.toThrow(InvalidToken);
  // Signed, and yet no claims.
  for (const content of ['', 'null', '[]', '"text"', '{', '\ud800']) {
    const odd = new CompactSign(new TextEncoder().encode(content)).setProtectedHeader({ alg: 'HS256' });
    await expect(identityWith().identify(await odd.sign(new TextEncoder().encode(SECRET)))).rejects.toThrow(InvalidToken);
  }
});

describe('the Authorization header', () => {
  test('may be missing', () => expect(bearerToken(undefined)).toBeNull());
  test('carries a bearer token, whatever the case of the scheme', () => expect(bearerToken('bearer abc.def')).toBe('abc.def'));
  test('may have spaces around the token', () => expect(bearerToken(' BEARER   abc.def ')).toBe('abc.def'));
  test.each([
    'Basic abc',
    'Bearer',
    'Bearer a b',
    'abc',
    'Bearer\tabc',
    'Bearer a,b',
    'Bearer a, Bearer b',
    'Bearerabc',
    'Bearer a\0',
  ])('%p is refused', (header) => {
    expect(() => bearerToken(header)).toThrow(InvalidToken);
  });
});
