import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type Answer, startGateway, stubServices, tokenFor } from './gateway-kit.js';
import { overWebSocket } from './send-both-ways.js';

type Kit = Awaited<ReturnType<typeof startGateway>>;
let kit: Kit;
let token: string;
const logged: string[] = [];

const services = stubServices({
  access: { decide: async () => [] },
  catalogue: {
    subscriptionsByIds: async () => [],
    subscriptionsByVersionIds: async () => [],
    filmsByIds: async (ids: string[]) => ids.map(() => null),
  },
});
beforeAll(async () => {
  kit = await startGateway({ services, onLog: (line) => logged.push(line), environment: { PERSISTED_OPERATIONS: 'automatic' } });
  token = await tokenFor();
});
beforeEach(() => void logged.splice(0));
afterAll(() => kit.stop());

const send = (body: unknown, headers: Record<string, string> = {}) =>
  kit.post(body, { authorization: `Bearer ${token}`, ...headers });
const codeIn = (body: Answer) => body.errors?.[0]?.extensions.code;

const TWO = 'query A { __typename } query B { __typename }';

describe('an operation that cannot be picked', () => {
  const cases: [what: string, query: string, operationName: unknown][] = [
    ['a name that the document does not have', TWO, 'C'],
    ['a name that the only operation does not have', '{ __typename }', 'C'],
    ['no name, where there are several operations', TWO, undefined],
    ['null, where there are several operations', TWO, null],
    ['an empty name', TWO, ''],
    ['an empty name for the only operation', '{ __typename }', ''],
    ['the name of a fragment', 'query A { me { ...F } } fragment F on Account { userId }', 'F'],
    ['a name of Object.prototype', TWO, '__proto__'],
    ['another name of Object.prototype', TWO, 'constructor'],
    ['a name with line breaks', '{ __typename }', '{ __typename } #\n'],
    ['a lone surrogate', TWO, '\ud800'],
  ];
  test.each(cases)('%s is a 400 OPERATION_RESOLUTION_FAILURE over HTTP, each time', async (_what, query, operationName) => {
    for (let time = 0; time < 3; time++) {
      const response = await send({ query, operationName });
      expect(response.status).toBe(400);
      expect(codeIn((await response.json()) as Answer)).toBe('OPERATION_RESOLUTION_FAILURE');
    }
    const asJson = await send({ query, operationName }, { accept: 'application/json' });
    expect(asJson.status).toBe(400);
    expect(logged).toEqual([]);
  });

  test.each(cases)('%s is the same over WebSocket', async (_what, query, operationName) => {
    const socket = await overWebSocket(kit, token);
    for (let time = 0; time < 2; time++) {
      expect(codeIn(await socket({ query, operationName }))).toBe('OPERATION_RESOLUTION_FAILURE');
    }
    socket.close();
    expect(logged).toEqual([]);
  });

  test('by GET, it is the same', async () => {
    const search = new URLSearchParams({ query: TWO, operationName: 'C' });
    const response = await fetch(`${kit.url}/graphql?${search}`, { headers: { 'apollo-require-preflight': 'yes' } });
    expect(response.status).toBe(400);
    expect(codeIn((await response.json()) as Answer)).toBe('OPERATION_RESOLUTION_FAILURE');
    expect(logged).toEqual([]);
  });
});

const ACCESS = 'query ($ids: [ID!]!) { access(filmIds: $ids) { filmId } }';
const FIRST = 'query ($first: Int) { film(id: "x") { subscriptions(first: $first) { nodes { id } } } }';
const hash = (sha256Hash: unknown, version: unknown = 1) => ({ persistedQuery: { version, sha256Hash } });
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('A request of the wrong form', () => {
  test.each<[what: string, body: unknown, ...headers: Record<string, string>[]]>([
    ['no JSON', '{"query": '],
    ['an empty body', ''],
    ['JSON that is no object', '"query"'],
    ['null', 'null'],
    ['an empty object', {}],
    ['an empty list', []],
    ['a batch', [{ query: '{ __typename }' }]],
    ['no query', { variables: {} }],
    ['an empty query', { query: '' }],
    ['null for the query', { query: null }],
    ['a number for the query', { query: 1 }],
    ['false for the query', { query: false }],
    ['an object for the query', { query: { kind: 'Document' } }],
    ['a parsed query', { query: { kind: 'Document', definitions: [] } }],
    ['a list for the query', { query: ['{ __typename }'] }],
    ['NUL in the query', { query: '{ __typename }\0' }],
    ['only NUL', { query: '\0' }],
    ['a lone surrogate in the query', { query: '{ film(id: "\ud800") { id \ud800 } }' }],
    ['a text as operation name', { query: TWO, operationName: 'nothing' }],
    ['a number for the operation name', { query: '{ __typename }', operationName: 1 }],
    ['a list for the operation name', { query: '{ __typename }', operationName: ['A'] }],
    ['an object for the operation name', { query: '{ __typename }', operationName: { toString: 'A' } }],
    ['a list for the variables', { query: ACCESS, variables: [] }],
    ['a text for the variables', { query: ACCESS, variables: '{}' }],
    ['a number for the variables', { query: ACCESS, variables: 1 }],
    ['false for the variables', { query: ACCESS, variables: false }],
    ['missing variables', { query: ACCESS }],
    ['null for what may not be null', { query: ACCESS, variables: { ids: null } }],
    ['an object for a list', { query: ACCESS, variables: { ids: {} } }],
    ['lists in a list', { query: ACCESS, variables: { ids: [[]] } }],
    ['160,000 wrong items', { query: ACCESS, variables: { ids: Array.from({ length: 160_000 }, () => null) } }],
    ['a number too large', { query: FIRST, variables: { first: 2 ** 31 } }],
    ['a number beyond all bounds', `{"query":${JSON.stringify(FIRST)},"variables":{"first":1e999}}`],
    ['a number with a point', { query: FIRST, variables: { first: 0.5 } }],
    ['lists nested very deep', `{"query":${JSON.stringify(ACCESS)},"variables":{"ids":${nested(100_000)}}}`],
    ['a text for the extensions', { query: '{ __typename }', extensions: 'x' }],
    ['a list for the extensions', { query: '{ __typename }', extensions: [] }],
    ['a number for the extensions', { query: '{ __typename }', extensions: 1 }],
    ['a text as persisted query', { extensions: { persistedQuery: 'x' } }],
    ['a list as persisted query', { extensions: { persistedQuery: [] } }],
    ['another version of persisted queries', { extensions: hash('0', 2) }],
    ['a number as hash', { extensions: hash(1) }],
    ['an object as hash', { extensions: hash({}) }],
    ['no hash', { extensions: hash(undefined) }],
    ['a hash of another text', { query: '{ __typename }', extensions: hash('0') }],
    ['a document that does not parse', { query: '{ film(' }],
    ['a document that is not valid', { query: '{ films { nothing } }' }],
    ['a document of fragments alone', { query: 'fragment F on Film { id }' }],
    ['a document of types', { query: 'type Query { a: Int }' }],
    ['a live operation', { query: 'subscription { balanceChanged { cursor } }' }],
    ['another content type', { query: '{ __typename }' }, { 'content-type': 'text/plain' }],
    ['a form', 'query={__typename}', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a content type that is none', { query: '{ __typename }' }, { 'content-type': ';;;' }],
    [
      'a character set that is none',
      { query: '{ __typename }' },
      { 'content-type': 'application/json; charset=klingon', accept: 'text/html' },
    ],
    ['an answer of a type that there is not', { query: '{ __typename }' }, { accept: 'text/html' }],
    ['a header that accepts nothing', { query: '{ __typename }' }, { accept: 'a/b;q=0' }],
  ])('with %s is answered 4xx, and nothing is logged', async (_what, body, ...rest) => {
    const [headers = {}] = rest;
    for (let time = 0; time < 2; time++) {
      // An answer that is well-formed and refused is a 400 to those who know the media type of GraphQL.
      const response = await send(body, headers);
      const text = await response.text();
      expect(response.status).toBeGreaterThanOrEqual(400);
      expect(response.status).toBeLessThan(500);
      expect(codeIn(JSON.parse(text) as Answer)).toMatch(/^[A-Z_]+$/);
      expect(text).not.toContain('INTERNAL_SERVER_ERROR');
    }
    expect(logged).toEqual([]);
  });

  test.each([
    '',
    '?',
    '?query=',
    '?query=%00',
    '?query=%E0%A4%A',
    '?query=%7B__typename%7D&query=%7B__typename%7D',
    '?query=%7B__typename%7D&variables=x',
    '?query=%7B__typename%7D&variables=[]',
    '?query=%7B__typename%7D&extensions=1',
    '?query=%7B__typename%7D&extensions=%7B%22persistedQuery%22:1%7D',
    '?query=mutation%20%7BcancelOrder(orderId:%22x%22)%7Berrors%7Bcode%7D%7D%7D',
    '?query=subscription%7BbalanceChanged%7Bcursor%7D%7D',
  ])('to GET /graphql%s is answered 4xx, and nothing is logged', async (search) => {
    const response = await fetch(`${kit.url}/graphql${search}`, {
      headers: { 'apollo-require-preflight': 'yes', accept: 'application/graphql-response+json' },
    });
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(await response.text()).not.toContain('INTERNAL_SERVER_ERROR');
    expect(logged).toEqual([]);
  });

  test.each(['PUT', 'DELETE', 'PATCH'])('by %s is no defect, and nothing is logged', async (method) => {
    const response = await fetch(`${kit.url}/graphql`, { method, body: '{' });
    expect(response.status).toBeLessThan(500);
    expect(logged).toEqual([]);
  });
});

describe('wrong variables', () => {
  const errorsOf = (answer: Answer) => answer.errors ?? [];

  test('are reported up to the tenth error, however many there are, on both transports', async () => {
    const variables = { ids: Array.from({ length: 20_000 }, () => null) };
    const socket = await overWebSocket(kit, token);
    const answers = [
      (await (await send({ query: ACCESS, variables })).json()) as Answer,
      await socket({ query: ACCESS, variables: { ids: variables.ids.slice(0, 5_000) } }),
    ];
    socket.close();
    for (const answer of answers) {
      expect(answer.data).toBeUndefined();
      expect(errorsOf(answer)).toHaveLength(10);
      expect(new Set(errorsOf(answer).map(({ extensions }) => extensions.code))).toEqual(new Set(['BAD_USER_INPUT']));
    }
    expect(answers[0]?.errors?.map(({ message }) => message)).toEqual(answers[1]?.errors?.map(({ message }) => message));
  });

  test('are refused before the cost is counted by them', async () => {
    const query =
      'query ($n: Int!) { films(first: $n) { nodes { subscriptions(first: $n) { nodes { films(first: $n) { nodes { id } } } } } } }';
    expect(codeIn((await (await send({ query, variables: { n: 100 } })).json()) as Answer)).toBe('QUERY_TOO_EXPENSIVE');
    expect(codeIn((await (await send({ query, variables: { n: [100] } })).json()) as Answer)).toBe('BAD_USER_INPUT');
  });
});
