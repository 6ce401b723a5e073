import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import pg from 'pg';
import Stripe from 'stripe';
import { type Message, RawSocket } from '../live/socket-scene.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { tokenFor } from './gateway-kit.js';

const WEBHOOK_SECRET = 'whsec_Jk83mPq0sLxV';
let home: TestDatabase;
let gateway: GatewayProcess;
let userId: string;
let input: object;
let admin: string;

beforeAll(async () => {
  home = await testDatabase();
  gateway = await GatewayProcess.on({
    DATABASE_URL: home.url,
    DATABASE_LOCK_TIMEOUT_MS: '300',
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
    RUN_JOBS: 'false',
  });
  await gateway.start();
  admin = await tokenFor({ role: 'admin' });
}, 90_000);
beforeEach(() => {
  userId = randomUUID();
  input = { userId, amount: 700, currency: 'USD', reason: 'a test', idempotencyKey: randomUUID() };
});
afterAll(async () => {
  await gateway.close();
  await home.drop();
});

const query =
  'mutation ($input: AdjustBalanceInput!) { adjustBalance(input: $input) { balance { posted { amount } } errors { code } } }';
const done = { data: { adjustBalance: { balance: { posted: { amount: 700 } }, errors: [] } } };

async function adjust(): Promise<{ data?: unknown; errors?: { extensions: { code: string } }[] }> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${admin}` },
    body: JSON.stringify({ query, variables: { input } }),
  });
  return (await response.json()) as never;
}

async function adjustOverSocket(): Promise<Message> {
  const socket = await RawSocket.bare(`${gateway.url.replace('http', 'ws')}/graphql`);
  socket.send({ type: 'connection_init', payload: { token: admin } });
  await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
  socket.send({ type: 'subscribe', id: 'adjust', payload: { query, variables: { input } } });
  const message = (await socket.next('adjust')) as Message;
  socket.socket.terminate();
  return message;
}

function deliver(): Promise<Response> {
  const event = {
    id: `evt_${randomUUID()}`,
    object: 'event',
    type: 'refund.created',
    livemode: false,
    api_version: '2026-10-28.endive',
  };
  const payload = JSON.stringify({ ...event, created: 1, data: { object: { id: 're_1', object: 'refund' } } });
  const signature = Stripe.webhooks.generateTestHeaderString({ payload, secret: WEBHOOK_SECRET });
  const headers = { 'content-type': 'application/json', 'stripe-signature': signature };
  return fetch(`${gateway.url}/webhooks/stripe`, { method: 'POST', headers, body: payload });
}

const unavailable = expect.stringContaining('"code":"SERVICE_UNAVAILABLE"');

/** On a connection of its own, while `work` runs. */
async function meanwhile(statements: string[], work: () => Promise<void>): Promise<void> {
  const outside = new pg.Client({ connectionString: home.url });
  await outside.connect();
  await outside.query('begin');
  for (const statement of statements) await outside.query(statement);
  try {
    await work();
  } finally {
    await outside.query('rollback');
    await outside.end();
  }
}

test('A lock that another transaction holds too long is SERVICE_UNAVAILABLE on both transports and 503 at the webhook; the same key works then', async () => {
  await meanwhile(['lock table balances, stripe_events in exclusive mode'], async () => {
    expect(JSON.stringify(await adjust())).toEqual(unavailable);
    expect(JSON.stringify(await adjustOverSocket())).toEqual(unavailable);
    expect((await deliver()).status).toBe(503);
  });
  expect(await adjust()).toEqual(done);
  expect(await adjust()).toEqual(done);
  expect((await deliver()).status).toBe(200);
});

test('A database that takes no writes is SERVICE_UNAVAILABLE, 503 at the webhook and not ready, until it takes them again', async () => {
  const name = new URL(home.url).pathname.slice(1);
  const setReadOnly = async (value: 'on' | 'off') => {
    await home.rows(`alter database ${name} set default_transaction_read_only = ${value}`);
    // The gateway's sessions were opened before: as after a failover, it gets new ones.
    await home.rows(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and pid <> pg_backend_pid()`, [
      name,
    ]);
  };
  await setReadOnly('on');
  await until(async () => (await gateway.readiness())?.dependencies.database?.ready === false, 'not ready');
  expect(await gateway.readiness()).toMatchObject({ status: 'not ready' });
  expect(JSON.stringify(await adjust())).toEqual(unavailable);
  expect(JSON.stringify(await adjustOverSocket())).toEqual(unavailable);
  expect((await deliver()).status).toBe(503);
  await home.rows(`set default_transaction_read_only = off; alter database ${name} set default_transaction_read_only = off`);
  await setReadOnly('off').catch(() => {});
  await until(async () => (await gateway.readiness())?.status === 'ready', 'ready');
  expect(await adjust()).toEqual(done);
  expect((await deliver()).status).toBe(200);
});
