import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose';
import { readConfig } from '../../src/config/config.js';
import { IdentityUnavailable } from '../../src/gateway/auth/provider-keys.js';
import { createIdentity, InvalidToken } from '../../src/gateway/auth.js';
import { MovableClock } from '../support/movable-clock.js';
import { until } from '../support/until.js';
import { tokenFor } from './gateway-kit.js';

const userId = '33333333-3333-4333-8333-333333333333';
const FRESH_MS = 60_000;
const STALE_MS = 3_600_000;
const COOLDOWN_MS = 2_000;

interface ProvidersKey {
  readonly jwk: JWK;
  readonly publicPem: string;
  sign(header?: object, claims?: object): Promise<string>;
}

let clock: MovableClock;

async function makeKey(algorithm: string, attributes: JWK | Record<string, unknown> = {}): Promise<ProvidersKey> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), ...attributes } as JWK;
  return {
    jwk,
    publicPem: await exportSPKI(publicKey),
    sign: (header = {}, claims = {}) =>
      new SignJWT({ role: 'viewer', ...claims })
        .setProtectedHeader({ alg: algorithm, ...header })
        .setSubject(userId)
        .setIssuer('boxoffice')
        .setAudience('boxoffice')
        .setExpirationTime(Math.floor(clock.now().getTime() / 1_000) + 7 * 24 * 3_600)
        .sign(privateKey),
  };
}

/** An identity provider whose keys, health and count of requests a test sees and sets. */
let provider: { url: string; keys: unknown[]; answer: 'keys' | 'hangs' | { status: number; body: string }; fetches: number };
let server: Server;
let logged: string[];

beforeEach(async () => {
  clock = new MovableClock('2026-11-28T10:00:00.000Z');
  logged = [];
  server = createServer((_request, response) => {
    provider.fetches++;
    if (provider.answer === 'hangs') return;
    const { status, body } =
      provider.answer === 'keys' ? { status: 200, body: JSON.stringify({ keys: provider.keys }) } : provider.answer;
    response.writeHead(status).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
  provider = { url, keys: [], answer: 'keys', fetches: 0 };
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

function openIdentity(environment: Record<string, string> = {}) {
  const { identity, limits } = readConfig({
    JWKS_URL: provider.url,
    DATA_DIR: '/nowhere',
    STRIPE_WEBHOOK_SECRET: 'whsec_test',
    JWKS_STALE_MS: String(STALE_MS),
    JWKS_COOLDOWN_MS: String(COOLDOWN_MS),
    ...environment,
  });
  expect(limits.jwksFreshMs).toBe(FRESH_MS);
  return createIdentity(identity, {
    clock,
    limits,
    logger: { warn: (_facts: unknown, message?: string) => void logged.push(message ?? String(_facts)) },
  });
}

const isKnown = async (identity: ReturnType<typeof openIdentity>, token: string) =>
  expect((await identity.identify(token)).caller).toEqual({ userId, role: 'VIEWER' });

describe('a token of the identity provider', () => {
  test('is known by the key that its `kid` names', async () => {
    const [one, two] = [await makeKey('ES256', { kid: 'one' }), await makeKey('ES256', { kid: 'two' })];
    provider.keys = [one.jwk, two.jwk];
    const identity = openIdentity();
    await isKnown(identity, await two.sign({ kid: 'two' }));
    await expect(identity.identify(await two.sign({ kid: 'one' }))).rejects.toThrow(InvalidToken);
  });

  test.each(['ES256', 'RS256', 'EdDSA'])('without a `kid` is tried with each key that fits (%s)', async (algorithm) => {
    const [old, present, others] = [
      await makeKey(algorithm),
      await makeKey(algorithm, { kid: 'present' }),
      await makeKey(algorithm),
    ];
    const unfit = await Promise.all([
      makeKey('ES384'),
      makeKey(algorithm, { use: 'enc' }),
      makeKey(algorithm, { key_ops: ['encrypt'] }),
      makeKey(algorithm, { alg: 'PS512' }),
    ]);
    provider.keys = [...unfit.map(({ jwk }) => jwk), { kty: 'oct', k: 'c2VjcmV0' }, old.jwk, present.jwk];
    const identity = openIdentity();
    await isKnown(identity, await old.sign());
    await isKnown(identity, await present.sign());
    await expect(identity.identify(await others.sign())).rejects.toThrow(InvalidToken);
    for (const key of unfit.slice(1)) await expect(identity.identify(await key.sign())).rejects.toThrow(InvalidToken);
  });

  test('without a `kid` is tried with a bounded number of keys', async () => {
    const many = await Promise.all(Array.from({ length: 17 }, () => makeKey('ES256')));
    provider.keys = many.map(({ jwk }) => jwk);
    const identity = openIdentity();
    await isKnown(identity, (await many[15]?.sign()) as string);
    await expect(identity.identify((await many[16]?.sign()) as string)).rejects.toThrow(InvalidToken);
  });

  test('without a `kid` that has expired is called expired, though several keys fit', async () => {
    const [one, two] = [await makeKey('ES256'), await makeKey('ES256')];
    provider.keys = [one.jwk, two.jwk];
    const token = await two.sign();
    clock.advanceDays(8);
    await expect(openIdentity().identify(token)).rejects.toThrow('expired');
  });

  test('is never one that a shared secret has signed, nor the public key used as a secret', async () => {
    const key = await makeKey('RS256', { kid: 'one' });
    provider.keys = [key.jwk];
    const identity = openIdentity();
    for (const secret of [undefined, key.publicPem, JSON.stringify(key.jwk)]) {
      await expect(identity.identify(await tokenFor(secret === undefined ? {} : { secret }))).rejects.toThrow(InvalidToken);
    }
  });
});

describe('while the provider cannot be reached', () => {
  test.each([
    ['answers 500', { status: 500, body: '{}' }],
    ['answers with a page', { status: 200, body: '<html>' }],
    ['answers without keys', { status: 200, body: '{"error":"down for maintenance"}' }],
    ['redirects', { status: 302, body: '' }],
  ])('no token is called bad before there are keys (it %s)', async (_what, answer) => {
    const key = await makeKey('ES256');
    provider.answer = answer;
    const identity = openIdentity();
    await expect(identity.identify(await key.sign())).rejects.toThrow(IdentityUnavailable);
    expect(identity.providerKeys?.state()).toBe('DOWN');
  });

  test('known keys stay in use for JWKS_STALE_MS beyond their freshness and no longer, and the state says so', async () => {
    const key = await makeKey('ES256', { kid: 'one' });
    provider.keys = [key.jwk];
    const identity = openIdentity();
    await isKnown(identity, await key.sign({ kid: 'one' }));
    expect(identity.providerKeys?.state()).toBe('CONNECTED');
    provider.answer = { status: 503, body: '' };
    clock.advanceMs(FRESH_MS);
    await isKnown(identity, await key.sign({ kid: 'one' }, { jti: 'new' }));
    expect(identity.providerKeys?.state()).toBe('STALE');
    expect(logged).toEqual(['could not fetch the keys of the identity provider']);
    clock.advanceMs(STALE_MS - 1);
    await isKnown(identity, await key.sign({ kid: 'one' }, { jti: 'newer' }));
    clock.advanceMs(1);
    await expect(identity.identify(await key.sign({ kid: 'one' }))).rejects.toThrow(IdentityUnavailable);
    expect(identity.providerKeys?.state()).toBe('DOWN');
  });

  test('a token by an unknown key is not called bad, as the provider may have a new one; a forged one is', async () => {
    const [known, unknown] = [await makeKey('ES256', { kid: 'one' }), await makeKey('ES256', { kid: 'two' })];
    provider.keys = [known.jwk];
    const identity = openIdentity();
    await isKnown(identity, await known.sign({ kid: 'one' }));
    provider.answer = { status: 503, body: '' };
    clock.advanceMs(FRESH_MS);
    await expect(identity.identify(await unknown.sign({ kid: 'two' }))).rejects.toThrow(IdentityUnavailable);
    await expect(identity.identify(await unknown.sign({ kid: 'one' }))).rejects.toThrow(InvalidToken);
  });

  test('one request waits for its time-out, those at the same time share the fetch, and later ones do not wait', async () => {
    const key = await makeKey('ES256', { kid: 'one' });
    provider.keys = [key.jwk];
    const identity = openIdentity({ JWKS_TIMEOUT_MS: '100' });
    const token = await key.sign({ kid: 'one' });
    await isKnown(identity, token);
    provider.answer = 'hangs';
    clock.advanceMs(FRESH_MS);
    await Promise.all(Array.from({ length: 20 }, () => isKnown(identity, token)));
    expect(provider.fetches).toBe(2);
    // From here on each fetch hangs for longer than this test may take, so a request that waited would never be answered.
    const slow = openIdentity({ JWKS_TIMEOUT_MS: '60000' });
    provider.answer = 'keys';
    await isKnown(slow, token);
    provider.answer = { status: 503, body: '' };
    clock.advanceMs(FRESH_MS);
    await isKnown(slow, token);
    provider.answer = 'hangs';
    clock.advanceMs(COOLDOWN_MS);
    for (let request = 0; request < 5; request++) await isKnown(slow, token);
  });

  test('it is not asked again within the cooldown', async () => {
    const key = await makeKey('ES256');
    provider.answer = { status: 503, body: '' };
    const identity = openIdentity();
    for (let request = 0; request < 50; request++) {
      await expect(identity.identify(await key.sign())).rejects.toThrow(IdentityUnavailable);
    }
    expect(provider.fetches).toBe(1);
  });

  test('an outage is logged when it begins and when it ends, however many requests need the keys', async () => {
    const key = await makeKey('ES256', { kid: 'one' });
    const token = await key.sign({ kid: 'one' });
    provider.keys = [key.jwk];
    provider.answer = { status: 503, body: '' };
    const identity = openIdentity();
    for (let minute = 0; minute < 10; minute++) {
      clock.advanceMs(60_000);
      for (let request = 0; request < 10; request++) {
        await expect(identity.identify(token)).rejects.toThrow(IdentityUnavailable);
      }
    }
    provider.answer = 'keys';
    clock.advanceMs(60_000);
    await isKnown(identity, token);
    expect(logged).toEqual([
      'could not fetch the keys of the identity provider',
      'identity provider reachable again; keys fetched',
    ]);
  });

  test('fetched keys that cannot be used are logged at most once a minute', async () => {
    const key = await makeKey('ES256', { kid: 'one' });
    const token = await key.sign({ kid: 'one' });
    provider.keys = [{ ...key.jwk, x: 'AAAA' }];
    const identity = openIdentity();
    for (const afterMs of [0, 1, 59_998, 1]) {
      clock.advanceMs(afterMs);
      for (let request = 0; request < 5; request++) {
        await expect(identity.identify(token)).rejects.toThrow(IdentityUnavailable);
      }
    }
    expect(logged).toEqual(Array(2).fill('the keys for verifying tokens cannot be used'));
  });
});

describe('a withdrawn key', () => {
  test('stops working, for tokens that were verified before too, when its keys are fetched again', async () => {
    const [old, present] = [await makeKey('ES256', { kid: 'old' }), await makeKey('ES256', { kid: 'present' })];
    provider.keys = [old.jwk, present.jwk];
    const identity = openIdentity();
    const [withdrawn, good] = [await old.sign({ kid: 'old' }), await present.sign({ kid: 'present' })];
    await isKnown(identity, withdrawn);
    provider.keys = [present.jwk];
    clock.advanceMs(FRESH_MS);
    await expect(identity.identify(withdrawn)).rejects.toThrow(InvalidToken);
    await isKnown(identity, good);
  });

  test('stops working once the provider answers again after an outage', async () => {
    const [old, present] = [await makeKey('ES256', { kid: 'old' }), await makeKey('ES256', { kid: 'present' })];
    provider.keys = [old.jwk];
    const identity = openIdentity();
    const withdrawn = await old.sign({ kid: 'old' });
    await isKnown(identity, withdrawn);
    provider.answer = { status: 503, body: '' };
    clock.advanceMs(FRESH_MS);
    await isKnown(identity, withdrawn);
    provider.answer = 'keys';
    provider.keys = [present.jwk];
    clock.advanceMs(COOLDOWN_MS);
    // The provider is asked in the background, by this call as by any request.
    await until(() => identity.providerKeys?.state() === 'CONNECTED', 'the provider is back');
    await expect(identity.identify(withdrawn)).rejects.toThrow(InvalidToken);
    await isKnown(identity, await present.sign({ kid: 'present' }));
    expect(logged.at(-1)).toBe('identity provider reachable again; keys fetched');
  });

  test('does not work for the first request after a long pause, though the last fetch before it failed', async () => {
    const old = await makeKey('ES256', { kid: 'old' });
    provider.keys = [old.jwk];
    const identity = openIdentity();
    const withdrawn = await old.sign({ kid: 'old' });
    await isKnown(identity, withdrawn);
    provider.answer = { status: 503, body: '' };
    clock.advanceMs(FRESH_MS);
    await isKnown(identity, withdrawn);
    provider.answer = 'keys';
    provider.keys = [];
    clock.advanceMs(FRESH_MS);
    await expect(identity.identify(withdrawn)).rejects.toThrow(InvalidToken);
  });
});

describe('a new key', () => {
  test.each([{ kid: 'new' }, {}])('is fetched when a token with the header %j needs it, once per cooldown', async (header) => {
    const [known, added, foreign] = [
      await makeKey('ES256', { kid: 'known' }),
      await makeKey('ES256', { kid: 'new' }),
      await makeKey('ES256'),
    ];
    provider.keys = [known.jwk];
    const identity = openIdentity();
    await isKnown(identity, await known.sign({ kid: 'known' }));
    provider.keys = [known.jwk, added.jwk];
    clock.advanceMs(COOLDOWN_MS);
    await isKnown(identity, await added.sign(header));
    expect(provider.fetches).toBe(2);
    const unknown = 'kid' in header ? { kid: 'never there' } : {};
    for (let request = 0; request < 50; request++) {
      await expect(identity.identify(await foreign.sign(unknown, { jti: String(request) }))).rejects.toThrow(InvalidToken);
    }
    expect(provider.fetches).toBe(2);
  });

  test('is fetched once for many requests at the same time', async () => {
    const [known, foreign] = [await makeKey('ES256', { kid: 'known' }), await makeKey('ES256')];
    provider.keys = [known.jwk];
    const identity = openIdentity();
    await isKnown(identity, await known.sign({ kid: 'known' }));
    clock.advanceMs(COOLDOWN_MS);
    const tokens = await Promise.all(Array.from({ length: 30 }, (_, number) => foreign.sign({ kid: `generated ${number}` })));
    const answers = await Promise.allSettled(tokens.map((token) => identity.identify(token)));
    expect(answers.every((answer) => answer.status === 'rejected' && answer.reason instanceof InvalidToken)).toBe(true);
    expect(provider.fetches).toBe(2);
  });
});
