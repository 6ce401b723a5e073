import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { type App, openApp } from '../../src/app.js';
import { readConfig } from '../../src/config/config.js';
import { createGateway, type Gateway } from '../../src/gateway/gateway.js';
import type { Caller } from '../../src/services/caller.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { SECRET, tokenFor } from './gateway-kit.js';

let db: TestDatabase;
/** As a worker has it: no gateway, no port. */
let worker: App;
let gateway: Gateway;
let gatewayApp: App;
let url: string;

beforeAll(async () => {
  db = await testDatabase();
  const read = readConfig({
    DATA_DIR: '/nowhere',
    JWT_SECRET: SECRET,
    STRIPE_SECRET_KEY: 'sk_test_nobody',
    STRIPE_API_URL: 'http://127.0.0.1:9',
    STRIPE_WEBHOOK_SECRET: 'whsec_test',
    INTROSPECTION: 'false',
    QUERY_COST_MAXIMUM_COUNT: '2000',
    LOG_LEVEL: 'silent',
  });
  const config = { ...read, http: { ...read.http, host: '127.0.0.1', port: 0 } };
  worker = await openApp(config, db.url);
  gatewayApp = await openApp(config, db.url);
  gateway = await createGateway({ ...gatewayApp, engine: await gatewayApp.engine(), readiness: {} });
  ({ url } = await gateway.start());
});
afterAll(async () => {
  await gateway?.stop();
  await gatewayApp?.close();
  await worker?.close();
  await db.drop();
});

const viewer: Caller = { userId: randomUUID(), role: 'VIEWER' };

async function posted(query: string, variables: Record<string, unknown> | null, caller: Caller) {
  const token = await tokenFor({ userId: caller.userId as string, role: caller.role.toLowerCase() });
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ query, variables }),
  });
  return withoutRequestIds(await response.text());
}

const withoutRequestIds = (text: string) =>
  JSON.parse(text, (name, value) => (name === 'requestId' ? expect.stringMatching(/^[\w.-]{8,}$/) && 'an id' : value));

const page = 'query Page($first: Int!) { me { userId balance { available { amount } } grants(first: $first) { nodes { id } } } }';
const answers: [what: string, query: string, variables: Record<string, unknown> | null][] = [
  ['a page', page, { first: 3 }],
  ['a mutation whose failure is data', 'mutation { cancelOrder(orderId: "x") { errors { __typename code } } }', null],
  ['a field that the caller may not use', '{ verifyLedger { consistent } }', null],
  ['an argument that is out of bounds', '{ access(filmIds: []) { allowed } }', null],
  ['a document that is not valid', '{ me { nothing } }', null],
  ['a document that cannot be parsed', '{ me {', null],
  ['variables of the wrong type', page, { first: 'three' }],
  ['a document that costs too much', `{ me { ${grants('a')} ${grants('b')} } }`, null],
  ['introspection where it is disabled', '{ __schema { queryType { name } } }', null],
  ['a live operation', 'subscription { balanceChanged { cursor } }', null],
];

function grants(alias: string): string {
  return `${alias}: grants(first: 100) { nodes { films(first: 100) { nodes { id title } } } }`;
}

test.each(answers)('A worker that runs a stored document gets the same answer as a POST: %s', async (_what, query, variables) => {
  // The second and third time, it is answered from the cache and the plan.
  for (const _time of [1, 2, 3]) {
    const answer = withoutRequestIds(await worker.runDocument(query, variables, viewer));
    expect(answer).toEqual(await posted(query, variables, viewer));
  }
});

test('A defect in a stored document is masked, and logged with the request id that the answer has', async () => {
  const lines: string[] = [];
  const broken = { ...worker.services.access, decide: () => Promise.reject(new TypeError('password=hunter2')) };
  const { createDocumentRunner } = await import('../../src/gateway/graphql/engine.js');
  const run = createDocumentRunner(await worker.engine(), {
    ...worker,
    services: { ...worker.services, access: broken as never },
    logger: { error: (facts: { requestId: string }) => lines.push(facts.requestId) } as never,
  });
  const { data, errors } = JSON.parse(await run(`{ access(filmIds: ["${randomUUID()}"]) { allowed } }`, null, viewer));
  expect(data).toBeNull();
  expect(errors).toEqual([
    expect.objectContaining({
      message: 'Internal error. Quote the request id when you report it.',
      extensions: { code: 'INTERNAL_SERVER_ERROR', requestId: lines[0] },
    }),
  ]);
});

test('A document that only asks for what the caller may see says nothing of other viewers', async () => {
  const other = randomUUID();
  const answer = JSON.parse(await worker.runDocument(`{ account(userId: "${other}") { userId } }`, null, viewer));
  expect(answer).toMatchObject({ errors: [{ extensions: { code: 'FORBIDDEN' } }] });
});

test('An app that cannot be opened leaves no connection to the database behind', async () => {
  const own = await testDatabase();
  try {
    await own.rows(`insert into balances (user_id, currency, created_at, updated_at) values ($1, 'ISK', now(), now())`, [
      randomUUID(),
    ]);
    await expect(openApp(worker.config, own.url)).rejects.toThrow(/there are balances in ISK/);
    const others = `select count(*)::int as count from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    await until(async () => (await own.rows<{ count: number }>(others))[0]?.count === 0, 'closed', 3_000);
  } finally {
    await own.drop();
  }
});
