import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { fieldsThatMoveMoney } from '../../src/gateway/graphql/pipeline.js';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { RawSocket } from '../live/socket-scene.js';
import { until } from '../support/until.js';
import { startGateway, stubServices, tokenFor } from './gateway-kit.js';

const done = async () => ({ errors: [] });
const services = stubServices({
  catalogue: { filmsByIds: async () => [], subscriptionsByIds: async () => [], subscriptionsByVersionIds: async () => [] },
  purchases: { topUp: done, cancelOrder: done },
});
const CANCEL = 'cancelOrder(orderId: "x") { errors { code } }';
const TOP_UP = 'topUp(input: { amount: 500, currency: "EUR", idempotencyKey: "12345678" }) { errors { code } }';

async function withGateway(
  environment: Record<string, string>,
  work: (kit: Awaited<ReturnType<typeof startGateway>>) => Promise<void>,
) {
  const kit = await startGateway({ services, environment });
  try {
    await work(kit);
  } finally {
    await kit.stop();
  }
}

describe('rates', () => {
  test('hold a caller to so many movements of money a window, and say when to come back', () =>
    withGateway({ RATE_LIMIT_MONEY_COUNT: '3' }, async (kit) => {
      const token = await tokenFor();
      for (let time = 0; time < 3; time++) expect((await kit.ask(`mutation { ${TOP_UP} }`, { token })).errors).toBeUndefined();
      const response = await kit.post({ query: `mutation { ${TOP_UP} }` }, { authorization: `Bearer ${token}` });
      expect(response.status).toBe(429);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await response.json()).toMatchObject({ errors: [{ extensions: { code: 'RATE_LIMITED' } }] });
      // Another caller, and another class of operation, have counts of their own.
      expect((await kit.ask(`mutation { ${TOP_UP} }`, { token: await tokenFor() })).errors).toBeUndefined();
      expect((await kit.ask('{ film(id: "x") { id } }', { token })).errors).toBeUndefined();
      expect((await kit.ask('mutation { cancelOrder(orderId: "x") { errors { code } } }', { token })).errors).toBeUndefined();
    }));

  test('count every movement of one document', () =>
    withGateway({ RATE_LIMIT_MONEY_COUNT: '3' }, async (kit) => {
      const answer = await kit.ask(`mutation { ${[1, 2, 3, 4].map((index) => `m${index}: ${TOP_UP}`).join(' ')} }`, {
        token: await tokenFor(),
      });
      expect(answer.errors?.[0]?.extensions.code).toBe('RATE_LIMITED');
    }));

  test.each([
    ['RATE_LIMIT_READS_COUNT', '{ film(id: "x") { id } }', `mutation { ${CANCEL} ${TOP_UP} }`],
    ['RATE_LIMIT_WRITES_COUNT', `mutation { ${CANCEL} }`, `query { film(id: "x") { id } }`],
    ['RATE_LIMIT_WRITES_COUNT', `mutation { ${CANCEL} }`, `mutation { ${TOP_UP} }`],
    ['RATE_LIMIT_MONEY_COUNT', `mutation { ${CANCEL} ${TOP_UP} }`, `mutation { ${CANCEL} }`],
  ])('hold %s apart from the other classes', (variable, counted, other) =>
    withGateway({ [variable]: '2' }, async (kit) => {
      const token = await tokenFor();
      const codeOf = async (query: string) => (await kit.ask(query, { token })).errors?.[0]?.extensions.code;
      for (const code of [undefined, undefined, 'RATE_LIMITED']) expect(await codeOf(counted)).toBe(code);
      expect(await codeOf(other)).toBeUndefined();
    }),
  );

  test('hold an address, whatever its token is worth', () =>
    withGateway({ RATE_LIMIT_ADDRESS_COUNT: '5' }, async (kit) => {
      const statuses = [];
      for (let time = 0; time < 7; time++) {
        statuses.push((await kit.post({ query: '{ __typename }' }, { authorization: 'Bearer guess' })).status);
      }
      expect(statuses).toEqual([401, 401, 401, 401, 401, 429, 429]);
    }));

  test('count as money what takes an idempotency key', async () => {
    expect([...fieldsThatMoveMoney(await composeSchema())].sort()).toEqual([
      'adjustBalance',
      'giftGrant',
      'purchase',
      'refundGrant',
      'refundTransaction',
      'topUp',
    ]);
  });
});

describe('with PERSISTED_OPERATIONS=only', () => {
  const trusted = 'query Film($id: ID!) { film(id: $id) { id } }';
  const id = createHash('sha256').update(trusted).digest('hex');
  const directory = mkdtempSync(path.join(tmpdir(), 'manifest-'));
  const file = path.join(directory, 'manifest.json');
  const relayFile = path.join(directory, 'relay.json');
  beforeAll(() => {
    writeFileSync(
      file,
      JSON.stringify({
        format: 'apollo-persisted-query-manifest',
        version: 1,
        operations: [{ id, name: 'Film', type: 'query', body: trusted }],
      }),
    );
    writeFileSync(relayFile, JSON.stringify({ [id]: trusted }));
  });
  afterAll(() => rmSync(directory, { recursive: true }));
  const only = (name: string) => ({ PERSISTED_OPERATIONS: 'only', PERSISTED_OPERATIONS_FILE: name });
  const variables = { id: randomUUID() };

  test.each([
    ['Apollo', () => file],
    ['Relay', () => relayFile],
  ])('operations of a manifest in the form of %s are served by their id, by POST and GET', (_form, name) =>
    withGateway(only(name()), async (kit) => {
      const extensions = { persistedQuery: { version: 1, sha256Hash: id } };
      expect(await (await kit.post({ extensions, variables })).json()).toEqual({ data: { film: null } });
      const search = new URLSearchParams({ extensions: JSON.stringify(extensions), variables: JSON.stringify(variables) });
      const got = await fetch(`${kit.url}/graphql?${search}`, { headers: { 'apollo-require-preflight': 'true' } });
      expect(await got.json()).toEqual({ data: { film: null } });
    }),
  );

  test('a trusted text is served, any other is refused, but not to admins', () =>
    withGateway(only(file), async (kit) => {
      const other = '{ film(id: "x") { title } }';
      expect((await kit.ask(trusted, { variables })).data).toEqual({ film: null });
      expect((await kit.ask(other)).errors?.[0]?.extensions.code).toBe('OPERATION_NOT_TRUSTED');
      expect((await kit.ask(other, { token: await tokenFor({ role: 'admin' }) })).data).toEqual({ film: null });
      // What an admin has made known is not trusted for that.
      expect((await kit.ask(other)).errors?.[0]?.extensions.code).toBe('OPERATION_NOT_TRUSTED');
      expect((await kit.ask(trusted, { variables })).data).toEqual({ film: null });
      const unknown = await kit.post({ extensions: { persistedQuery: { version: 1, sha256Hash: '0'.repeat(64) } } });
      expect(await unknown.json()).toMatchObject({ errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }] });
    }));
});

describe('automatic persisted queries', () => {
  test('are learned once and found by their hash', () =>
    withGateway({ PERSISTED_OPERATIONS: 'automatic' }, async (kit) => {
      const query = '{ film(id: "x") { id title } }';
      const extensions = { persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') } };
      expect(await (await kit.post({ extensions })).json()).toMatchObject({
        errors: [{ extensions: { code: 'PERSISTED_QUERY_NOT_FOUND' } }],
      });
      expect(await (await kit.post({ query, extensions })).json()).toEqual({ data: { film: null } });
      expect(await (await kit.post({ extensions })).json()).toEqual({ data: { film: null } });
    }));
});

describe('/metrics', () => {
  test('counts operations by root field and outcome, for the bearer of the token', () =>
    withGateway({ METRICS_TOKEN: 'a token for prometheus' }, async (kit) => {
      await kit.ask('query Made_up_name { film(id: "x") { id } }');
      await kit.ask('{ nothing }');
      expect((await fetch(`${kit.url}/metrics`)).status).toBe(401);
      for (const authorization of ['Bearer a token', 'Bearer a token for prometheuS', 'a token for prometheus']) {
        expect((await fetch(`${kit.url}/metrics`, { headers: { authorization } })).status).toBe(401);
      }
      const text = await (
        await fetch(`${kit.url}/metrics`, { headers: { authorization: 'Bearer a token for prometheus' } })
      ).text();
      expect(text).toContain('boxoffice_operations_total{transport="http",field="film",outcome="ok"} 1');
      expect(text).toContain('boxoffice_operations_total{transport="http",field="?",outcome="refused"} 1');
      expect(text).toContain('boxoffice_live_sockets 0');
      expect(text).not.toContain('Made_up_name');
    }));
});

describe('/metrics of webhooks', () => {
  test('counts deliveries by how they ended', async () => {
    const receipts: unknown[] = [{ outcome: 'STORED' }, { outcome: 'REFUSED', refusal: 'NOT_SIGNED' }, { outcome: 'STORED' }];
    const receive = async () => receipts.shift() ?? Promise.reject(new Error('away'));
    const kit = await startGateway({ services: stubServices({ stripeInbox: { receive } }) });
    try {
      for (const status of [200, 400, 200, 503]) {
        const headers = { 'content-type': 'application/json' };
        expect((await fetch(`${kit.url}/webhooks/stripe`, { method: 'POST', headers, body: '{}' })).status).toBe(status);
      }
      const count = async (outcome: string) => {
        const text = await (await fetch(`${kit.url}/metrics`)).text();
        return text.match(new RegExp(`^boxoffice_webhooks_total\\{outcome="${outcome}"\\} (\\d+)$`, 'm'))?.[1];
      };
      // A delivery is counted when its answer has left.
      await until(async () => (await count('failed')) !== undefined, 'counted');
      expect([await count('stored'), await count('refused'), await count('failed')]).toEqual(['2', '1', '1']);
    } finally {
      await kit.stop();
    }
  });
});

describe('with INTROSPECTION=false', () => {
  const schemaOf = '{ __schema { queryType { name } } }';
  const nested = 'query { ...Root } fragment Root on Query { film(id: "x") { id } ... { __type(name: "Film") { name } } }';

  test('admins may ask about the schema, and nobody else, no matter who asked before', () =>
    withGateway({ INTROSPECTION: 'false' }, async (kit) => {
      const [admin, viewer] = [await tokenFor({ role: 'admin' }), await tokenFor()];
      for (let time = 0; time < 3; time++) {
        for (const query of [schemaOf, nested]) {
          expect((await kit.ask(query, { token: admin })).errors).toBeUndefined();
          for (const token of [viewer, await tokenFor({ role: 'service' }), undefined]) {
            const { status, errors } = await kit.ask(query, token ? { token } : {});
            expect([status, errors?.[0]?.extensions.code]).toEqual([400, 'GRAPHQL_VALIDATION_FAILED']);
          }
        }
      }
      expect((await kit.ask('{ __typename }', { token: viewer })).data).toEqual({ __typename: 'Query' });
    }));

  test('the same holds on a socket', () =>
    withGateway({ INTROSPECTION: 'false' }, async (kit) => {
      const answers: Record<string, unknown> = {};
      for (const role of ['admin', 'viewer']) {
        const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`);
        socket.send({ type: 'connection_init', payload: { token: await tokenFor({ role }) } });
        await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
        socket.subscribe('1', schemaOf);
        answers[role] = await socket.next('1');
        socket.socket.terminate();
      }
      expect(answers).toMatchObject({
        admin: { type: 'next', payload: { data: { __schema: { queryType: { name: 'Query' } } } } },
        viewer: { type: 'error', payload: [{ extensions: { code: 'GRAPHQL_VALIDATION_FAILED' } }] },
      });
    }));
});

describe('expected failures', () => {
  const money = { amount: 5, currency: 'EUR' };
  const failure = { message: 'No.', path: ['input', 'x'] };
  test.each([
    ['InsufficientFunds', { code: 'INSUFFICIENT_FUNDS', shortfall: money }, '... on InsufficientFunds { shortfall { amount } }'],
    ['NotFound', { code: 'NOT_FOUND' }, ''],
    ['NotOnSale', { code: 'NOT_ON_SALE', status: 'DRAFT' }, '... on NotOnSale { status }'],
    ['NotRefundable', { code: 'NOT_REFUNDABLE', reason: 'GIFT' }, '... on NotRefundable { reason }'],
    [
      'AmountOutOfBounds',
      { code: 'AMOUNT_OUT_OF_BOUNDS', minimum: money, maximum: money },
      '... on AmountOutOfBounds { minimum { amount } }',
    ],
    ['CurrencyMismatch', { code: 'CURRENCY_MISMATCH', expected: 'EUR' }, '... on CurrencyMismatch { expected }'],
    ['IdempotencyConflict', { code: 'IDEMPOTENCY_CONFLICT' }, ''],
    [
      'PaymentProviderUnavailable',
      { code: 'PAYMENT_PROVIDER_UNAVAILABLE', retryable: true },
      '... on PaymentProviderUnavailable { retryable }',
    ],
    ['InvalidInput', { code: 'INVALID_INPUT' }, ''],
    ['AlreadyExists', { code: 'ALREADY_EXISTS', existingId: 'x' }, '... on AlreadyExists { existingId }'],
    ['WrongState', { code: 'WRONG_STATE', state: 'PAID' }, '... on WrongState { state }'],
  ])('are data of their type: %s', async (typeName, error, selection) => {
    const failing = stubServices({ purchases: { topUp: async () => ({ errors: [{ ...failure, ...error }] }) } });
    const kit = await startGateway({ services: failing });
    try {
      const query = `mutation { ${TOP_UP.replace('{ code }', `{ __typename code message path ${selection} }`)} }`;
      const token = await tokenFor();
      for (let time = 0; time < 3; time++) {
        const answer = await kit.ask(query, { token });
        expect(answer.errors).toBeUndefined();
        expect(answer.data.topUp.errors).toMatchObject([{ __typename: typeName, code: error.code, ...failure }]);
      }
    } finally {
      await kit.stop();
    }
  });
});
