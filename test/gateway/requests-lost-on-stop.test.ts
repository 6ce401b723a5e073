import { randomBytes } from 'node:crypto';
import { Agent, request } from 'node:http';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { GatewayProcess } from '../support/gateway-process.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { startGateway, stubServices } from './gateway-kit.js';

const film = { id: '44444444-4444-4444-8444-444444444444', title: 'Metropolis', description: null };

describe('stopping', () => {
  test('answers the request that is running, and takes no new connection', async () => {
    let release = () => {};
    let began = () => {};
    const running = new Promise<void>((resolve) => {
      began = resolve;
    });
    const slow = await startGateway({
      services: stubServices({
        catalogue: {
          filmsByIds: () => {
            began();
            return new Promise((resolve) => {
              release = () => resolve([film]);
            });
          },
          subscriptionsByIds: async () => [],
          subscriptionsByVersionIds: async () => [],
        },
      }),
    });
    const answer = slow.ask(`{ film(id: "${film.id}") { title } }`);
    await running;
    const stopped = slow.stop();
    release();
    expect((await answer).data).toEqual({ film: { title: 'Metropolis' } });
    await stopped;
    await expect(fetch(`${slow.url}/healthz`)).rejects.toThrow();
  });

  test('does not wait for connections that clients keep open', async () => {
    let release = () => {};
    let began = () => {};
    const running = new Promise<void>((resolve) => {
      began = resolve;
    });
    const slow = await startGateway({
      services: stubServices({
        catalogue: {
          filmsByIds: () => {
            began();
            return new Promise((resolve) => {
              release = () => resolve([film]);
            });
          },
          subscriptionsByIds: async () => [],
          subscriptionsByVersionIds: async () => [],
        },
      }),
    });
    const agent = new Agent({ keepAlive: true });
    const body = JSON.stringify({ query: `{ film(id: "${film.id}") { title } }` });
    const answered = new Promise<string>((resolve, reject) => {
      const sent = request(`${slow.url}/graphql`, { agent, method: 'POST', headers: { 'content-type': 'application/json' } });
      sent.on('error', reject).on('response', (response) => response.setEncoding('utf8').on('data', resolve));
      sent.end(body);
    });
    await running;
    const stopped = slow.stop();
    release();
    expect(JSON.parse(await answered)).toEqual({ data: { film: { title: 'Metropolis' } } });
    // The connection itself would be kept for longer than a test may take.
    await stopped;
    agent.destroy();
  });
});

describe('before it closes', () => {
  test('/readyz says 503 while requests are still served, and asks clients to come by another connection', async () => {
    const kit = await startGateway({ environment: { DRAIN_NOTICE_MS: '1500' } });
    const before = await kit.post({ query: '{ __typename }' });
    expect(before.headers.get('connection')).toBe('keep-alive');
    await before.text();
    const stopped = kit.stop();
    const ready = await fetch(`${kit.url}/readyz`);
    expect([ready.status, await ready.json()]).toMatchObject([503, { status: 'stopping' }]);
    const late = await kit.post({ query: '{ __typename }' });
    expect([late.status, late.headers.get('connection')]).toEqual([200, 'close']);
    await late.text();
    await stopped;
    await expect(fetch(`${kit.url}/healthz`)).rejects.toThrow();
  });
});

describe('as a process', () => {
  let home: TestDatabase;
  let gateway: GatewayProcess;
  beforeAll(async () => {
    home = await testDatabase();
    gateway = await GatewayProcess.on({ DATABASE_URL: home.url, DRAIN_NOTICE_MS: '1500' });
    await gateway.start();
  }, 60_000);
  afterAll(async () => {
    await gateway.close();
    await home.drop();
  });

  test('ends in order within its budget, though a peer never answers that its socket is closed', async () => {
    const headers = {
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      'sec-websocket-protocol': 'graphql-transport-ws',
    };
    const silent = await new Promise<Duplex>((resolve, reject) => {
      const sent = request(`${gateway.url}/graphql`, { headers });
      sent.on('upgrade', (_response, socket) => resolve(socket));
      sent.on('error', reject).end();
    });
    silent.on('error', () => {});
    expect([await gateway.end('SIGTERM'), gateway.written]).toEqual([0, expect.not.stringContaining('took more than')]);
    silent.destroy();
  }, 30_000);
});

describe('an operation that takes too long', () => {
  test('is answered with REQUEST_TIMEOUT', async () => {
    const forever = stubServices({
      catalogue: {
        filmsByIds: () => new Promise(() => {}),
        subscriptionsByIds: async () => [],
        subscriptionsByVersionIds: async () => [],
      },
    });
    const slow = await startGateway({ services: forever, environment: { REQUEST_TIMEOUT_MS: '200' } });
    try {
      const answer = await slow.ask(`{ film(id: "${film.id}") { title } }`);
      expect([answer.status, answer.errors?.[0]?.extensions.code]).toEqual([503, 'REQUEST_TIMEOUT']);
    } finally {
      await slow.stop();
    }
  });
});
