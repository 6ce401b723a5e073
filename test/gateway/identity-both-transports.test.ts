import { createServer, type Server } from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { readConfig } from '../../src/config/config.js';
import { issueToken } from '../../src/gateway/auth/issue-token.js';
import { RawSocket } from '../live/socket-scene.js';
import { until } from '../support/until.js';
import { SECRET, startGateway, stubServices, tokenFor } from './gateway-kit.js';

type Kit = Awaited<ReturnType<typeof startGateway>>;

const page = {
  edges: [],
  nodes: [],
  pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
};
const services = stubServices({ catalogue: { films: async () => page } });
const FILMS = '{ films { nodes { id } } }';

const opened: RawSocket[] = [];
const kits: Kit[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.socket.terminate();
});
afterAll(async () => {
  for (const kit of kits) await kit.stop();
});

async function gatewayWith(environment: Record<string, string> = {}, parts: Partial<Parameters<typeof startGateway>[0]> = {}) {
  const kit = await startGateway({ services, environment, ...parts });
  kits.push(kit);
  return kit;
}

/** The codes by which a token is answered: of the HTTP status and of the close of a socket; null when it is accepted. */
async function answersTo(kit: Kit, token: string): Promise<[http: number | null, socket: number | null]> {
  const { status } = await kit.ask(FILMS, { token });
  return [status === 200 ? null : status, await socketAnswerTo(kit, { token })];
}

async function socketAnswerTo(kit: Kit, payload: object): Promise<number | null> {
  const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`);
  opened.push(socket);
  socket.send({ type: 'connection_init', payload });
  await until(() => socket.closed !== null || socket.messages.some(({ type }) => type === 'connection_ack'), 'an answer');
  return socket.closed?.code ?? null;
}

describe('over HTTP and WebSocket', () => {
  let nowMs = Date.now();
  let kit: Kit;
  beforeAll(async () => {
    kit = await gatewayWith({}, { clock: { now: () => new Date(nowMs) } });
  });

  test('a token is refused from the same instant on, which is when its socket is closed', async () => {
    const exp = Math.ceil(nowMs / 1_000) + 60;
    const sign = (jti: string) =>
      new SignJWT({ role: 'viewer', jti })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject('11111111-1111-4111-8111-111111111111')
        .setIssuer('boxoffice')
        .setAudience('boxoffice')
        .setExpirationTime(exp)
        .sign(new TextEncoder().encode(SECRET));
    for (const [beyondExpiryMs, expected] of [
      [0, [null, null]],
      [29_999, [null, null]],
      [30_000, [401, 4403]],
    ] as const) {
      nowMs = exp * 1_000 + beyondExpiryMs;
      expect([beyondExpiryMs, await answersTo(kit, await sign(String(beyondExpiryMs)))]).toEqual([beyondExpiryMs, expected]);
    }
    nowMs = exp * 1_000 + 29_900;
    const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`);
    opened.push(socket);
    socket.send({ type: 'connection_init', payload: { token: await sign('closed later') } });
    await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
    nowMs = exp * 1_000 + 30_000;
    expect(await socket.closing()).toEqual({ code: 4403, reason: 'Token expired' });
    nowMs = Date.now();
  });

  test('two tokens that differ are refused, however they are sent', async () => {
    const [one, other] = [await tokenFor(), await tokenFor({ role: 'admin' })];
    expect(await socketAnswerTo(kit, { token: one, authorization: `Bearer ${one}` })).toBeNull();
    expect(await socketAnswerTo(kit, { token: one, authorization: `Bearer ${other}` })).toBe(4403);
    expect(await socketAnswerTo(kit, { authorization: `Bearer ${one}`, Authorization: `Bearer ${other}` })).toBe(4403);
    expect(await socketAnswerTo(kit, { token: [one] })).toBe(4401);
    expect(await socketAnswerTo(kit, { authorization: `Basic ${one}` })).toBe(4403);
    const { hostname, port } = new URL(kit.url);
    const client = net.connect(Number(port), hostname);
    const body = JSON.stringify({ query: FILMS });
    const headers = [one, other].map((token) => `Authorization: Bearer ${token}\r\n`).join('');
    client.write(
      `POST /graphql HTTP/1.1\r\nHost: ${hostname}\r\nContent-Type: application/json\r\n${headers}Content-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
    );
    let answer = '';
    for await (const chunk of client) answer += chunk;
    expect(answer).toMatch(/^HTTP\/1.1 401 .*UNAUTHENTICATED/s);
  });

  test('a subject that is not a UUID, a role by another name and another audience claim are the same caller', async () => {
    const environment = {
      JWT_SUBJECT: 'any',
      JWT_SUBJECT_NAMESPACE: '6ba7b810-9dad-11d1-80b4-00c04fd430c8',
      JWT_ROLE_CLAIM: 'realm_access.roles',
      JWT_ROLE_MAP: 'boxoffice-admin=admin,admin=none',
      JWT_AUDIENCE_CLAIM: 'azp',
    };
    const asked: unknown[] = [];
    const history = { viewersWithBalances: async () => page, pages: { accounts: async () => page } };
    const provider = await gatewayWith(environment, {
      services: stubServices({
        accounts: history,
        catalogue: { films: async () => page },
        jobs: { list: async () => [void asked.push('jobs')].slice(1) },
      }),
    });
    const token = await new SignJWT({ azp: 'boxoffice', realm_access: { roles: ['offline_access', 'boxoffice-admin'] } })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('www.example.com')
      .setIssuer('boxoffice')
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode(SECRET));
    expect(await answersTo(provider, token)).toEqual([null, null]);
    expect((await provider.ask('{ jobs { name } }', { token })).errors).toBeUndefined();
    expect(asked).toEqual(['jobs']);
    const { identity } = readConfig({
      DATA_DIR: '/nowhere',
      JWT_SECRET: SECRET,
      STRIPE_WEBHOOK_SECRET: 'whsec_test',
      ...environment,
    });
    const issued = await issueToken(identity, { userId: 'www.example.com', role: 'admin', expiresInSeconds: 60 }, new Date());
    expect((await provider.ask('{ jobs { name } }', { token: issued })).errors).toBeUndefined();
  });
});

describe('while the identity provider cannot be reached', () => {
  let server: Server;
  let url: string;
  let sign: (kid?: string) => Promise<string>;
  let isUp = true;
  beforeAll(async () => {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true });
    const keys = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'one' }] });
    server = createServer((_request, response) => void response.writeHead(isUp ? 200 : 503).end(keys));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    sign = (kid = 'one') =>
      new SignJWT({ role: 'viewer', jti: kid })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setSubject('11111111-1111-4111-8111-111111111111')
        .setIssuer('boxoffice')
        .setAudience('boxoffice')
        .setExpirationTime('7d')
        .sign(privateKey);
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const identityOf = async (kit: Kit) => {
    const response = await fetch(`${kit.url}/readyz`);
    const { dependencies } = (await response.json()) as { dependencies: { identity: { state: string } } };
    return [response.status, dependencies.identity.state];
  };
  const reached = async (kit: Kit) =>
    /^boxoffice_identity_provider_reached (\d)$/m.exec(await (await fetch(`${kit.url}/metrics`)).text())?.[1];

  test('known keys stay in use, the server stays ready and says so, and afterwards tokens are SERVICE_UNAVAILABLE', async () => {
    let nowMs = Date.now();
    const lines: string[] = [];
    const kit = await gatewayWith(
      { JWT_SECRET: '', JWKS_URL: url, JWKS_STALE_MS: '600000', JWKS_COOLDOWN_MS: '10', PROBE_CACHE_MS: '0' },
      { clock: { now: () => new Date(nowMs) }, onLog: (line) => lines.push(line) },
    );
    expect(await answersTo(kit, await sign())).toEqual([null, null]);
    expect(await identityOf(kit)).toEqual([200, 'CONNECTED']);
    expect(await reached(kit)).toBe('1');
    isUp = false;
    nowMs += 60_000;
    expect(await answersTo(kit, await sign())).toEqual([null, null]);
    expect(await identityOf(kit)).toEqual([200, 'STALE']);
    expect(await reached(kit)).toBe('0');
    expect(lines.join()).toContain('could not fetch the keys of the identity provider');
    nowMs += 600_000;
    expect(await answersTo(kit, await sign())).toEqual([503, 1013]);
    expect((await kit.ask(FILMS, { token: await sign() })).errors?.[0]?.extensions.code).toBe('SERVICE_UNAVAILABLE');
    expect(await identityOf(kit)).toEqual([200, 'DOWN']);
    expect((await kit.ask(FILMS)).status).toBe(200);
    // Once when it began, and not for each of these requests.
    expect(lines.filter((line) => /"level":50|could not fetch/.test(line))).toHaveLength(1);
    isUp = true;
    nowMs += 10;
    await until(async () => (await identityOf(kit))[1] === 'CONNECTED', 'the provider is back');
    expect(await answersTo(kit, await sign())).toEqual([null, null]);
    expect(await answersTo(kit, await sign('unknown'))).toEqual([401, 4403]);
  });
});
