import { randomUUID } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../src/stores/embedded-postgres/embedded-postgres.js';
import { SECRET, tokenFor } from '../gateway/gateway-kit.js';
import { type Message, RawSocket } from '../live/socket-scene.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { Relay } from '../support/relay.js';
import { until } from '../support/until.js';

const secrets = {
  STRIPE_SECRET_KEY: 'sk_test_5Rz0Xq7mNnEb2',
  STRIPE_WEBHOOK_SECRET: 'whsec_Jk83mPq0sLxV',
  METRICS_TOKEN: 'a token that only Prometheus has',
};
const REDIS_PASSWORD = 'a-redis-password';

let directory: string;
let postgres: EmbeddedPostgres;
let relay: Relay;
let gateway: GatewayProcess;
let databasePassword: string;

const start = async () => {
  postgres = await startEmbeddedPostgres({ dataDirectory: directory, fast: true });
  return new URL(postgres.url);
};

beforeAll(async () => {
  directory = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-away-'));
  chmodSync(directory, 0o755);
  const url = await start();
  databasePassword = url.password;
  relay = new Relay(Number(url.port));
  url.port = String(await relay.start());
  gateway = await GatewayProcess.on({
    ...secrets,
    DATABASE_URL: url.href,
    // Nobody listens there: Redis is away all the time, and nothing waits for it.
    REDIS_URL: `redis://:${REDIS_PASSWORD}@127.0.0.1:9`,
    LOG_LEVEL: 'info',
  });
  await gateway.start();
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await relay.stop();
  await postgres.stop();
  rmSync(directory, { recursive: true, force: true });
});

async function ask(token: string, query: string, variables: object = {}) {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = (await response.json()) as { data?: object | null; errors?: { extensions: { code: string } }[] };
  return { status: response.status, data, code: errors?.[0]?.extensions.code };
}

const posted = '{ me { balance { posted { amount } } } }';
const adjust = 'mutation ($input: AdjustBalanceInput!) { adjustBalance(input: $input) { errors { code } } }';

test('a database that goes away and comes back: clear errors, then service, with the same process and sockets; no secret in the log', async () => {
  const userId = randomUUID();
  const [viewer, admin] = [await tokenFor({ userId }), await tokenFor({ role: 'admin' })];
  const input = { userId, amount: 700, currency: 'USD', reason: 'a test', idempotencyKey: randomUUID() };
  expect(await ask(viewer, posted)).toMatchObject({ status: 200, data: { me: { balance: { posted: { amount: 0 } } } } });
  const socket = await RawSocket.bare(`${gateway.url.replace('http', 'ws')}/graphql`);
  socket.send({ type: 'connection_init', payload: { token: viewer } });
  await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
  socket.subscribe('live', 'subscription { balanceChanged { balance { posted { amount } } } }');
  await socket.next('live');

  await postgres.stop();
  for (const work of [() => ask(viewer, posted), () => ask(admin, adjust, { input })]) {
    expect(await work()).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  }
  socket.subscribe('read', posted);
  const refused = (await socket.next('read')) as Message;
  expect(JSON.stringify(refused.payload)).toContain('"code":"SERVICE_UNAVAILABLE"');
  expect((await ask('eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJub2JvZHkifQ.nonsense', posted)).status).toBe(401);
  expect(await gateway.readiness()).toMatchObject({ status: 'not ready', dependencies: { database: { ready: false } } });
  expect((await fetch(`${gateway.url}/healthz`)).status).toBe(200);

  relay.target = Number((await start()).port);
  await until(async () => (await gateway.readiness())?.status === 'ready', 'ready again');
  expect(await ask(admin, adjust, { input })).toMatchObject({ data: { adjustBalance: { errors: [] } } });
  expect(await ask(viewer, posted)).toMatchObject({ data: { me: { balance: { posted: { amount: 700 } } } } });
  const change = (await socket.next('live')) as Message;
  expect(change.payload).toEqual({ data: { balanceChanged: { balance: { posted: { amount: 700 } } } } });
  expect(gateway.isRunning()).toBe(true);
  socket.socket.terminate();

  expect(gateway.written).toContain('dependency unavailable');
  expect(gateway.written).toContain('Redis is unavailable');
  for (const secret of [databasePassword, REDIS_PASSWORD, SECRET, viewer, admin, 'nonsense', ...Object.values(secrets)]) {
    expect(gateway.written).not.toContain(secret);
  }
}, 60_000);
