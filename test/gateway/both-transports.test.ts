import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { type Message, RawSocket } from '../live/socket-scene.js';
import { until } from '../support/until.js';
import { type Answer, startGateway, stubServices, tokenFor } from './gateway-kit.js';

/** One guard: what is refused, and how, does not depend on the way it came. */
type Kit = Awaited<ReturnType<typeof startGateway>>;

const page = {
  edges: [],
  nodes: [],
  pageInfo: { hasNextPage: false, hasPreviousPage: false, startCursor: null, endCursor: null },
};
const services = stubServices({
  catalogue: {
    films: async () => page,
    filmsByIds: ([id]: string[]) => (id === SLOW_FILM ? new Promise(() => {}) : Promise.resolve([])),
    subscriptionsByIds: async () => [],
    subscriptionsByVersionIds: async () => [],
  },
  purchases: { topUp: async () => ({ errors: [] }), cancelOrder: async () => ({ errors: [] }) },
});
const SLOW_FILM = '55555555-5555-4555-8555-555555555555';
const TOP_UP = 'topUp(input: { amount: 500, currency: "EUR", idempotencyKey: "12345678" }) { errors { code } }';

interface Sent {
  query: string;
  variables?: Record<string, unknown>;
  extensions?: Record<string, unknown>;
}
type Ask = (sent: Sent) => Promise<Answer>;

const opened: RawSocket[] = [];
afterEach(() => {
  for (const socket of opened.splice(0)) socket.socket.terminate();
});

async function socketOf(kit: Kit, token: string): Promise<RawSocket> {
  const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`);
  opened.push(socket);
  socket.send({ type: 'connection_init', payload: { token } });
  await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
  return socket;
}

/** Ways to ask as the bearer of one token. */
const transports: [name: string, connect: (kit: Kit, token: string) => Promise<Ask>][] = [
  [
    'HTTP',
    async (kit, token) => async (sent) => (await kit.post(sent, { authorization: `Bearer ${token}` })).json() as Promise<Answer>,
  ],
  [
    'WebSocket',
    async (kit, token) => {
      const socket = await socketOf(kit, token);
      return async (sent) => {
        const id = randomUUID();
        socket.send({ type: 'subscribe', id, payload: sent });
        const { type, payload } = (await socket.next(id)) as Message;
        return (type === 'error' ? { errors: payload } : payload) as Answer;
      };
    },
  ],
];

const many = (count: number, part: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => part(index)).join(' ');
const codeOf = ({ errors }: Answer) => errors?.[0]?.extensions.code;

describe.each(transports)('over %s', (_name, connect) => {
  const kits: Kit[] = [];
  const askWith = async (environment: Record<string, string>, role = 'viewer'): Promise<Ask> => {
    const kit = await startGateway({ services, environment });
    kits.push(kit);
    return connect(kit, await tokenFor({ role }));
  };
  afterAll(async () => {
    for (const kit of kits) await kit.stop();
  });

  describe('the guard of production', () => {
    let ask: Ask;
    beforeAll(async () => {
      const kit = await startGateway({ services, environment: { INTROSPECTION: 'false', REQUEST_TIMEOUT_MS: '300' } });
      kits.push(kit);
      ask = async (sent) => (await connect(kit, await tokenFor()))(sent);
    });

    const nested = 'nodes { subscriptions(first: 1) { nodes { films(first: 1) { nodes { id } } } } }';
    const F = 'fragment F on Film { id }';
    const wide =
      'query ($n: Int!) { films(first: $n) { nodes { subscriptions(first: $n) { nodes { films(first: $n) { nodes { id } } } } } } }';
    test.each<[what: string, code: string, sent: Sent]>([
      ['depth', 'GRAPHQL_VALIDATION_FAILED', { query: `{ films(first: 1) { ${nest(nested, 4)} } }` }],
      ['aliases', 'GRAPHQL_VALIDATION_FAILED', { query: `{ film(id: "x") { ${many(31, (index) => `a${index}: id`)} } }` }],
      // The next five pass graphql-armor with equal limits, by its defaults or whatever its options: docs/decisions.md.
      [
        'aliases of __typename',
        'GRAPHQL_VALIDATION_FAILED',
        { query: `{ film(id: "x") { ${many(31, (i) => `a${i}: __typename`)} } }` },
      ],
      [
        'directives',
        'GRAPHQL_VALIDATION_FAILED',
        { query: `${F} { film(id: "x") { ${many(51, () => '...F @include(if: true)')} } }` },
      ],
      ['cost by variables', 'QUERY_TOO_EXPENSIVE', { query: wide.replace('$n: Int!', '$n: Int! = 100') }],
      [
        'an enum value that is not there',
        'GRAPHQL_VALIDATION_FAILED',
        { query: '{ subscriptions(status: ACTIV) { nodes { id } } }' },
      ],
      ['a field of another type', 'GRAPHQL_VALIDATION_FAILED', { query: '{ node(id: "x") { pricePerDay { amount } } }' }],
      ['root fields', 'GRAPHQL_VALIDATION_FAILED', { query: `{ ${many(21, () => '__typename')} }` }],
      ['tokens', 'GRAPHQL_PARSE_FAILED', { query: `{ film(id: "x") { ${many(2_001, () => 'id')} } }` }],
      ['cost of nested pages', 'QUERY_TOO_EXPENSIVE', { query: wide, variables: { n: 100 } }],
      ['introspection', 'GRAPHQL_VALIDATION_FAILED', { query: '{ __schema { types { name } } }' }],
      ['introspection of one type', 'GRAPHQL_VALIDATION_FAILED', { query: '{ __type(name: "Film") { name } }' }],
      ['a field that is not there', 'GRAPHQL_VALIDATION_FAILED', { query: '{ filmz { nodes { id } } }' }],
      ['a document that does not parse', 'GRAPHQL_PARSE_FAILED', { query: '{ films {' }],
      ['a variable of another type', 'BAD_USER_INPUT', { query: wide, variables: { n: 'many' } }],
      ['an operation that takes too long', 'REQUEST_TIMEOUT', { query: `{ film(id: "${SLOW_FILM}") { id } }` }],
      ['a field of admins', 'FORBIDDEN', { query: '{ jobs { name } }' }],
      ['a defect', 'INTERNAL_SERVER_ERROR', { query: '{ me { balance { version } } }' }],
    ])('answers %s with %s, a request id and nothing internal', async (_what, code, sent) => {
      const answer = await ask(sent);
      expect(codeOf(answer)).toBe(code);
      expect(answer.errors?.[0]?.extensions.requestId).toEqual(expect.stringMatching(/.{8}/));
      expect(JSON.stringify(answer)).not.toMatch(/Did you mean|stack|reached |node_modules/);
    });
  });

  test('the cost is returned on request, and only then', async () => {
    const ask = await askWith({});
    const query = 'query ($n: Int!) { films(first: $n) { nodes { id } } }';
    const asked = await ask({ query, variables: { n: 5 }, extensions: { cost: true } });
    expect(asked.extensions).toEqual({ cost: { asked: 11, limit: 65_000 } });
    expect((await ask({ query, variables: { n: 5 } })).extensions).toBeUndefined();
  });

  test('a caller is limited to a number of money movements, and learns when to retry', async () => {
    const ask = await askWith({ RATE_LIMIT_MONEY_COUNT: '2' });
    for (let time = 0; time < 2; time++) expect((await ask({ query: `mutation { ${TOP_UP} }` })).errors).toBeUndefined();
    const refused = await ask({ query: `mutation { ${TOP_UP} }` });
    expect(codeOf(refused)).toBe('RATE_LIMITED');
    expect(refused.errors?.[0]?.extensions.retryAfterSeconds).toBeGreaterThan(0);
    expect((await ask({ query: 'mutation { cancelOrder(orderId: "x") { errors { code } } }' })).errors).toBeUndefined();
  });

  test('an address is held to so many requests', async () => {
    const ask = await askWith({ RATE_LIMIT_ADDRESS_COUNT: '3' });
    const codes = [];
    for (let time = 0; time < 5; time++) codes.push(codeOf(await ask({ query: '{ __typename }' })) ?? 'served');
    // Opening the socket is a request too.
    expect(codes.slice(-2)).toEqual(['RATE_LIMITED', 'RATE_LIMITED']);
    expect(codes.slice(0, 2)).toEqual(['served', 'served']);
  });

  describe('with PERSISTED_OPERATIONS=only', () => {
    const trusted = 'query Film($id: ID!) { film(id: $id) { id } }';
    const id = createHash('sha256').update(trusted).digest('hex');
    const directory = mkdtempSync(path.join(tmpdir(), 'manifest-'));
    const environment = { PERSISTED_OPERATIONS: 'only', PERSISTED_OPERATIONS_FILE: path.join(directory, 'manifest.json') };
    const variables = { id: randomUUID() };
    const byId = (sha256Hash: string) => ({ query: '', variables, extensions: { persistedQuery: { version: 1, sha256Hash } } });
    beforeAll(() => writeFileSync(environment.PERSISTED_OPERATIONS_FILE, JSON.stringify({ [id]: trusted })));
    afterAll(() => rmSync(directory, { recursive: true }));

    test('operations of the manifest are served by id and by text, and nothing else but to admins', async () => {
      const ask = await askWith(environment);
      expect((await ask(byId(id))).data).toEqual({ film: null });
      expect((await ask({ query: trusted, variables })).data).toEqual({ film: null });
      expect(codeOf(await ask(byId('0'.repeat(64))))).toBe('PERSISTED_QUERY_NOT_FOUND');
      expect(codeOf(await ask({ query: '{ film(id: "x") { title } }' }))).toBe('OPERATION_NOT_TRUSTED');
      const asAdmin = await askWith(environment, 'admin');
      expect((await asAdmin({ query: '{ film(id: "x") { title } }' })).data).toEqual({ film: null });
    });
  });
});

describe('a socket', () => {
  const extensions = { persistedQuery: { version: 1, sha256Hash: createHash('sha256').update('{ __typename }').digest('hex') } };

  test('does not learn automatic persisted queries, and says so', async () => {
    const kit = await startGateway({ services, environment: { PERSISTED_OPERATIONS: 'automatic' } });
    try {
      const socket = await socketOf(kit, await tokenFor());
      socket.send({ type: 'subscribe', id: '1', payload: { query: '', extensions } });
      const refused = (await socket.next('1')) as Message;
      expect(refused).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'PERSISTED_QUERY_NOT_SUPPORTED' } }] });
      socket.send({ type: 'subscribe', id: '2', payload: { query: '{ __typename }', extensions } });
      expect((await socket.next('2')).payload).toEqual({ data: { __typename: 'Query' } });
    } finally {
      await kit.stop();
    }
  });

  test.each([
    ['behind a trusted proxy is counted by the address that the proxy saw', '1', [null, null, 429, null]],
    ['without one is counted by its own address, whatever it says of itself', '0', [null, null, 429, 429]],
  ])('%s', async (_what, TRUSTED_PROXY_COUNT, expected) => {
    const kit = await startGateway({ services, environment: { RATE_LIMIT_ADDRESS_COUNT: '2', TRUSTED_PROXY_COUNT } });
    try {
      const refused = [];
      for (const address of ['203.0.113.1', '203.0.113.1', '203.0.113.1', '203.0.113.2']) {
        const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`, {
          headers: { 'x-forwarded-for': address },
        });
        opened.push(socket);
        refused.push(socket.refusedWith);
      }
      expect(refused).toEqual(expected);
    } finally {
      await kit.stop();
    }
  });
});

function nest(selection: string, times: number): string {
  return times === 1 ? selection : selection.replace('{ id }', `{ ${nest(selection, times - 1)} }`);
}
