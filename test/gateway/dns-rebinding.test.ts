import { type Sandbox, startSandbox } from '@boxoffice/stripe-sandbox';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { WebSocket } from 'ws';
import { servePages } from '../../src/gateway/pages/pages.js';
import { RawConnection } from '../support/raw-connection.js';
import { until } from '../support/until.js';
import { startGateway } from './gateway-kit.js';

type Gateway = Awaited<ReturnType<typeof startGateway>>;

const OWN = ['localhost', '127.0.0.1', '[::1]', 'LOCALHOST', 'localhost.', 'films.localhost', '[0:0:0:0:0:0:0:1]'];
const OTHERS = [
  'evil.example',
  'localhost.evil.example',
  'evillocalhost',
  '127.0.0.1.evil.example',
  'localhost@evil.example',
  'localhost/evil.example',
  'localhost:80:80',
  'evil.example#localhost',
  '',
  '192.168.0.7',
  '[::2]',
  '[::1',
];
const TOKENS = ['/demo/viewers', '/playground/tokens'];
const PAGES = ['/', '/demo', '/playground', '/playground/index.html', '/demo/demo.js', '/nothing', '/graphql?query={__typename}'];

const demo = { viewers: [{ id: 'v1', name: 'Ada' }], adminId: 'a1', serviceId: 's1', tokenFor: async () => 'a-token' };

function start(environment: Record<string, string> = {}): Promise<Gateway> {
  return startGateway({
    environment,
    extend: (app, identity) => servePages(app, { playground: 'open', identity, secureCookies: false, demo }),
  });
}

const get = async (url: string, target: string, ...hosts: string[]) =>
  (await RawConnection.to(url)).request([`GET ${target} HTTP/1.1`, ...hosts.map((host) => `Host: ${host}`), 'Connection: close']);

describe('a development server', () => {
  let gateway: Gateway;
  beforeAll(async () => {
    gateway = await start({ PUBLIC_URL: 'http://films.test:8080', ALLOWED_HOSTS: 'one.example, Three.example' });
  });
  afterAll(() => gateway.stop());

  test('gives its tokens under the names of the loopback, of PUBLIC_URL and of ALLOWED_HOSTS, with any port', async () => {
    for (const host of [...OWN, 'films.test', 'one.example', 'THREE.example']) {
      for (const named of [host, `${host}:4000`]) {
        const answer = await get(gateway.url, '/demo/viewers', named);
        expect([named, await answer.status()]).toEqual([named, 200]);
        await until(() => answer.received.includes('a-token'), 'the token');
      }
    }
  });

  test('answers 403 under any other name, whatever is asked, and says how to allow it', async () => {
    for (const host of OTHERS) {
      for (const target of [...TOKENS, ...PAGES]) {
        const answer = await get(gateway.url, target, host);
        expect([host, target, await answer.status()]).toEqual([host, target, 403]);
        expect(answer.received).not.toContain('a-token');
      }
    }
    const answer = await get(gateway.url, '/demo/viewers', 'evil.example');
    await answer.closing();
    expect(answer.received).toContain('Add it to ALLOWED_HOSTS.');
  });

  test('is not deceived by two Host headers, by a target with a host of its own, or by HTTP/1.0 without a Host', async () => {
    const deceptions = [
      await get(gateway.url, '/demo/viewers', 'localhost', 'evil.example'),
      await get(gateway.url, '/demo/viewers', 'evil.example', 'localhost'),
      await get(gateway.url, 'http://evil.example/demo/viewers', 'localhost'),
      await get(gateway.url, 'http://localhost/demo/viewers', 'evil.example'),
      await get(gateway.url, 'http://localhost@evil.example/demo/viewers', 'localhost'),
      (await RawConnection.to(gateway.url)).request(['GET /demo/viewers HTTP/1.0']),
    ];
    for (const [index, answer] of deceptions.entries()) {
      expect([index, await answer.status()]).toEqual([index, 403]);
      expect(answer.received).not.toContain('a-token');
    }
    expect(await (await get(gateway.url, 'http://localhost/demo/viewers', 'localhost')).status()).toBe(200);
  });

  test('does not believe X-Forwarded-Host', async () => {
    const connection = await RawConnection.to(gateway.url);
    connection.request(['GET /demo/viewers HTTP/1.1', 'Host: evil.example', 'X-Forwarded-Host: localhost', 'Connection: close']);
    expect(await connection.status()).toBe(403);
  });

  test('opens no WebSocket under another name', async () => {
    const opened = async (host: string): Promise<number> => {
      const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/graphql`, ['graphql-transport-ws'], {
        headers: { host },
      });
      let status = 0;
      socket.on('error', () => undefined);
      socket.on('open', () => {
        status = 101;
      });
      socket.on('unexpected-response', (_request, response) => {
        status = response.statusCode ?? -1;
      });
      await until(() => status !== 0, 'open or refused');
      socket.terminate();
      return status;
    };
    expect([await opened('localhost:4000'), await opened('evil.example'), await opened('')]).toEqual([
      101,
      403,
      expect.anything(),
    ]);
  });

  test('answers probes and signed webhooks under any name', async () => {
    expect(await (await get(gateway.url, '/healthz', '10.0.0.7')).status()).toBe(200);
    expect(await (await get(gateway.url, '/readyz', 'gateway-1')).status()).toBe(200);
    const webhook = (await RawConnection.to(gateway.url)).request([
      'POST /webhooks/stripe HTTP/1.1',
      'Host: tunnel.example',
      'Content-Type: application/json',
      'Content-Length: 0',
    ]);
    expect(await webhook.status()).not.toBe(403);
    webhook.socket.destroy();
  });
});

describe('a server that listens on every interface', () => {
  let gateway: Gateway | undefined;
  afterEach(() => gateway?.stop());

  test('is not named 0.0.0.0', async () => {
    gateway = await start({ HOST: '0.0.0.0' });
    expect(await (await get(gateway.url, '/demo/viewers', '0.0.0.0:4000')).status()).toBe(403);
  });
});

describe('a production server', () => {
  test('is reached by whatever name its proxies use', async () => {
    const gateway = await startGateway({
      environment: {
        NODE_ENV: 'production',
        DATABASE_URL: 'postgres://boxoffice@database/boxoffice',
        STRIPE_SECRET_KEY: 'sk_test_abc',
        ALLOWED_ORIGINS: 'https://films.example',
        PUBLIC_URL: 'https://api.films.example',
        DRAIN_NOTICE_MS: '0',
      },
    });
    try {
      expect(await (await get(gateway.url, '/graphql?query={__typename}', 'internal.example')).status()).not.toBe(403);
    } finally {
      await gateway.stop();
    }
  });
});

describe('the sandbox', () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await startSandbox({
      port: 0,
      webhookUrl: null,
      webhookSecret: 'whsec_test',
      stateFile: null,
      allowedHosts: ['films.test'],
    });
  });
  afterAll(() => sandbox.stop());

  test("answers under its own names only: its controls, its pages and Stripe's API alike", async () => {
    for (const target of ['/sandbox/state', '/sandbox/clock', '/checkout/cs_test_1', '/v1/account', '/nothing']) {
      for (const host of ['evil.example', '', 'localhost.evil.example']) {
        expect([target, host, await (await get(sandbox.url, target, host)).status()]).toEqual([target, host, 403]);
      }
    }
    for (const host of ['127.0.0.1', 'localhost:4010', '[::1]:4010', 'films.test']) {
      expect([host, await (await get(sandbox.url, '/sandbox/state', host)).status()]).toEqual([host, 200]);
    }
  });
});
