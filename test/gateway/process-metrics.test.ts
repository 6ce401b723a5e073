import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { systemClock } from '../../src/runtime/clock.js';
import { RawSocket } from '../live/socket-scene.js';
import { GatewayProcess } from '../support/gateway-process.js';
import { openMoneyDesk } from '../support/money-desk.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { tokenFor } from './gateway-kit.js';

/** What Prometheus reads of a gateway as it is shipped. */
let home: TestDatabase;
let gateway: GatewayProcess;

beforeAll(async () => {
  home = await testDatabase();
  gateway = await GatewayProcess.on({ DATABASE_URL: home.url });
  await gateway.start();
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await home.drop();
});

async function ask(token: string, query: string, variables: object = {}): Promise<unknown> {
  const response = await fetch(`${gateway.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  return response.json();
}

const metrics = async () => (await fetch(`${gateway.url}/metrics`)).text();
const reading = async (name: string) => {
  const line = (await metrics()).split('\n').find((candidate) => candidate.startsWith(`${name} `));
  return line === undefined ? null : Number(line.slice(name.length));
};
const moved = (kind: string, direction: string) =>
  reading(`boxoffice_money_moved_minor_units_total{kind="${kind}",currency="USD",direction="${direction}"}`);

const ADJUST = 'mutation ($input: AdjustBalanceInput!) { adjustBalance(input: $input) { errors { code } } }';
const PURCHASE = 'mutation ($input: PurchaseInput!) { purchase(input: $input) { errors { code } } }';

test('money that moved shows by kind, currency and direction, and once however often it is asked for', async () => {
  const desk = openMoneyDesk({ database: home.database, clock: systemClock });
  const { subscriptionId } = await desk.putOnSale(100, 10);
  const userId = randomUUID();
  const [viewer, admin] = [await tokenFor({ userId }), await tokenFor({ role: 'admin' })];
  const deposit = { userId, amount: 2_500, currency: 'USD', reason: 'a test', idempotencyKey: randomUUID() };
  const purchase = { subscriptionId, payWith: 'BALANCE', idempotencyKey: randomUUID() };
  for (let time = 0; time < 2; time++) {
    expect(await ask(admin, ADJUST, { input: deposit })).toEqual({ data: { adjustBalance: { errors: [] } } });
    expect(await ask(viewer, PURCHASE, { input: purchase })).toEqual({ data: { purchase: { errors: [] } } });
  }
  await ask(admin, ADJUST, { input: { ...deposit, amount: -40, idempotencyKey: randomUUID() } });
  expect(await moved('ADJUSTMENT', 'in')).toBe(2_500);
  expect(await moved('ADJUSTMENT', 'out')).toBe(40);
  expect(await moved('SPENDING', 'out')).toBe(1_000);
});

test('the lag of live changes counts those that a client waited for, and not those that it catches up on', async () => {
  const userId = randomUUID();
  const admin = await tokenFor({ role: 'admin' });
  const adjust = () =>
    ask(admin, ADJUST, { input: { userId, amount: 5, currency: 'USD', reason: 'a test', idempotencyKey: randomUUID() } });
  const watch = async (id: string, after: string | null) => {
    const socket = await RawSocket.bare(`${gateway.url.replace('http', 'ws')}/graphql`);
    socket.send({ type: 'connection_init', payload: { token: await tokenFor({ userId }) } });
    await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
    socket.subscribe(id, 'subscription ($after: String) { balanceChanged(after: $after) { cursor } }', { after });
    return socket;
  };
  const first = await watch('1', null);
  const present = (await first.next('1')).payload as { data: { balanceChanged: { cursor: string } } };
  expect(await reading('boxoffice_live_lag_seconds_count')).toBe(0);
  const beganMs = performance.now();
  await adjust();
  await first.next('1');
  expect(await reading('boxoffice_live_lag_seconds_count')).toBe(1);
  // A lag is counted in whole milliseconds.
  const waitedMs = Math.ceil(performance.now() - beganMs);
  expect((await reading('boxoffice_live_lag_seconds_sum')) ?? Number.NaN).toBeLessThanOrEqual(waitedMs / 1_000);
  first.socket.terminate();
  await adjust();
  const again = await watch('2', present.data.balanceChanged.cursor);
  for (let change = 0; change < 2; change++) await again.next('2');
  expect(await reading('boxoffice_live_lag_seconds_count')).toBe(1);
  again.socket.terminate();
});

test('discrepancies of the last verification show as a number', async () => {
  const verify = async () => {
    await ask(await tokenFor({ role: 'admin' }), 'mutation { runJob(name: "verify-ledger") { errors { code } } }');
  };
  await verify();
  await until(async () => (await reading('boxoffice_ledger_discrepancies')) === 0, 'the ledger adds up');
  await home.rows(`do $$ begin set local session_replication_role = replica; update balances set posted = posted + 1; end $$`);
  const [{ balances } = { balances: 0 }] = await home.rows<{ balances: number }>(
    'select count(*)::int as balances from balances',
  );
  await verify();
  await until(
    async () => ((await reading('boxoffice_ledger_discrepancies')) ?? 0) >= balances,
    'what does not add up is counted',
  );
  expect(balances).toBe(2);
});

/** How often something was timed, and how long it took in all, in seconds. */
const timed = async (name: string, labels: string) =>
  [await reading(`${name}_count{${labels}}`), await reading(`${name}_sum{${labels}}`)] as const;

test('operations, statements and calls to Stripe are timed, each under its own name', async () => {
  const desk = openMoneyDesk({ database: home.database, clock: systemClock });
  const { subscriptionId } = await desk.putOnSale(100, 10);
  const token = await tokenFor();
  const byHttp = ['boxoffice_operation_duration_seconds', 'transport="http",field="purchase"'] as const;
  const [before] = await timed(...byHttp);
  const purchase = { subscriptionId, payWith: 'CARD', idempotencyKey: randomUUID() };
  const startedAtMs = performance.now();
  // Nobody is at the address of Stripe.
  expect(await ask(token, PURCHASE, { input: purchase })).toEqual({
    data: { purchase: { errors: [{ code: 'PAYMENT_PROVIDER_UNAVAILABLE' }] } },
  });
  const seconds = (performance.now() - startedAtMs) / 1_000;
  const [operations, operationSeconds] = await timed(...byHttp);
  expect(operations).toBe((before ?? 0) + 1);
  expect(operationSeconds).toBeGreaterThan(0);
  const [statements, statementSeconds] = await timed(
    'boxoffice_statement_duration_seconds',
    'statement="purchases-open-purchase"',
  );
  expect(statements).toBeGreaterThan(0);
  expect(statementSeconds).toBeGreaterThan(0);
  expect(statementSeconds).toBeLessThan(seconds);
  const calls = (await metrics()).match(/^boxoffice_stripe_call_duration_seconds_(?:count|sum)\{.*status="none"\} .*$/gm) ?? [];
  const [sum, count] = ['sum', 'count'].map((kind) =>
    calls.filter((line) => line.includes(`_${kind}{`)).reduce((total, line) => total + Number(line.split('} ')[1]), 0),
  );
  expect(count).toBeGreaterThanOrEqual(1);
  expect(sum).toBeGreaterThan(0);
  expect(sum).toBeLessThan(seconds);
});

test('operations on sockets count as such', async () => {
  const socket = await RawSocket.bare(`${gateway.url.replace('http', 'ws')}/graphql`);
  socket.send({ type: 'connection_init', payload: { token: await tokenFor() } });
  await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
  for (const [id, query] of Object.entries({ 1: '{ me { userId } }', 2: '{ me { userId } }', 3: '{ nothing }' })) {
    socket.subscribe(id, query);
    await socket.next(id);
  }
  socket.socket.terminate();
  expect(await reading('boxoffice_operations_total{transport="websocket",field="me",outcome="ok"}')).toBe(2);
  expect(await reading('boxoffice_operations_total{transport="websocket",field="?",outcome="refused"}')).toBe(1);
  const [count, seconds] = await timed('boxoffice_operation_duration_seconds', 'transport="websocket",field="me"');
  expect(count).toBe(2);
  expect(seconds).toBeGreaterThan(0);
});
