import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { InvalidArgument } from '../../src/services/errors.js';
import { type Message, RawSocket } from '../live/socket-scene.js';
import { until } from '../support/until.js';
import { type Answer, startGateway, stubServices, tokenFor } from './gateway-kit.js';

/** What somebody may have put into the wrong place; it looks like nothing that a redactor recognises. */
const SECRET = 'hunter2 swordfish';
/** The same where only a name is allowed. */
const LONG = 'x'.repeat(40_000);
const MAX_ANSWER_BYTES = 64 * 1_024;

type Sent = { query: string; variables?: unknown; operationName?: string; extensions?: unknown };
type Kit = Awaited<ReturnType<typeof startGateway>>;

const log: string[] = [];
let kit: Kit;
let token: string;
beforeAll(async () => {
  kit = await startGateway({
    logLevel: 'info',
    onLog: (line) => log.push(line),
    services: stubServices({
      catalogue: {
        filmsByIds: async () => [],
        films: async () => Promise.reject(new InvalidArgument('after', '`after` is not a valid cursor.')),
      },
    }),
    environment: { QUERY_TOKENS_MAXIMUM_COUNT: '100000', SOCKET_MESSAGE_BYTES: String(4_096 * 1_024) },
  });
  token = await tokenFor();
});
afterAll(() => kit.stop());

const transports: [name: string, ask: (sent: Sent) => Promise<{ answer: Answer; bytes: number }>][] = [
  [
    'HTTP',
    async (sent) => {
      const text = await (await kit.post(sent, { authorization: `Bearer ${token}` })).text();
      return { answer: JSON.parse(text) as Answer, bytes: Buffer.byteLength(text) };
    },
  ],
  [
    'WebSocket',
    async (sent) => {
      const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`);
      try {
        socket.send({ type: 'connection_init', payload: { token } });
        await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
        const id = randomUUID();
        socket.send({ type: 'subscribe', id, payload: sent });
        const { type, payload } = (await socket.next(id)) as Message;
        const answer = (type === 'error' ? { errors: payload } : payload) as Answer;
        return { answer, bytes: Buffer.byteLength(JSON.stringify(payload)) };
      } finally {
        socket.socket.terminate();
      }
    },
  ],
];

const topUp = 'mutation ($input: TopUpInput!) { topUp(input: $input) { errors { code } } }';
const good = { amount: 500, currency: 'EUR', idempotencyKey: '12345678' };
const films = (argument: string) => `{ films(${argument}) { nodes { id } } }`;
const quoted = JSON.stringify(SECRET);

/** Each puts the secret where GraphQL, a scalar or the server finds it at fault. */
const MISTAKES: [where: string, sent: Sent][] = [
  ['a variable of type Int', { query: 'query ($v: Int) { films(first: $v) { nodes { id } } }', variables: { v: SECRET } }],
  [
    'a variable of type Int, in an object',
    { query: 'query ($v: Int) { films(first: $v) { nodes { id } } }', variables: { v: { password: SECRET } } },
  ],
  [
    'a variable of type Boolean',
    { query: 'query ($v: Boolean!) { films { nodes { id @skip(if: $v) } } }', variables: { v: SECRET } },
  ],
  [
    'a variable of type String, in a list',
    { query: 'query ($v: String) { films(search: $v) { nodes { id } } }', variables: { v: [SECRET, SECRET] } },
  ],
  ['a variable of type ID', { query: 'query ($v: ID!) { film(id: $v) { id } }', variables: { v: { token: SECRET } } }],
  [
    'a variable of an enum',
    { query: 'query ($v: SubscriptionStatus) { subscriptions(status: $v) { nodes { id } } }', variables: { v: SECRET } },
  ],
  [
    'a variable that is an object in the place of an enum',
    { query: 'query ($v: SubscriptionStatus) { subscriptions(status: $v) { nodes { id } } }', variables: { v: { a: SECRET } } },
  ],
  ['a scalar of ours in a variable', { query: topUp, variables: { input: { ...good, currency: SECRET } } }],
  ['an amount in a variable', { query: topUp, variables: { input: { ...good, amount: SECRET } } }],
  ['a key in a variable', { query: topUp, variables: { input: { ...good, idempotencyKey: { SECRET } } } }],
  ['a variable in the place of an input object', { query: topUp, variables: { input: SECRET } }],
  ['beside a field that is not there', { query: topUp, variables: { input: { ...good, returnUrl: SECRET, nothing: 1 } } }],
  ['beside a field that is missing', { query: topUp, variables: { input: { returnUrl: `${SECRET} at "input.amount"; ` } } }],
  [
    'a value that looks like a message',
    { query: topUp, variables: { input: { ...good, amount: `"; ${SECRET} at "input.${SECRET}"; x` } } },
  ],
  ['a key that looks like a message', { query: topUp, variables: { input: { ...good, amount: { '" at "': SECRET } } } }],
  ['a literal of type Int', { query: films(`first: ${quoted}`) }],
  ['a literal of type Int, in an object', { query: films(`first: { password: ${quoted} }`) }],
  ['a literal of type String, in a list', { query: films(`search: [${quoted}]`) }],
  ['a literal of type ID, in an object', { query: `{ film(id: { password: ${quoted} }) { id } }` }],
  ['a literal in the place of an enum', { query: `{ subscriptions(status: ${quoted}) { nodes { id } } }` }],
  ['a literal in the place of a Boolean', { query: `{ film(id: "x") { id @include(if: ${quoted}) } }` }],
  [
    'a scalar of ours as a literal',
    { query: `mutation { topUp(input: { amount: ${quoted}, currency: ${quoted}, idempotencyKey: "1" }) { errors { code } } }` },
  ],
  ['a list in the place of an input object', { query: `mutation { topUp(input: [${quoted}]) { errors { code } } }` }],
  ['a block string', { query: films(`first: """${SECRET}"""`) }],
  ["a variable's default", { query: `query ($v: Int = ${quoted}) { films(first: $v) { nodes { id } } }` }],
  ["a variable's default that is a list", { query: `query ($v: Int = [${quoted}]) { films(first: $v) { nodes { id } } }` }],
  ['a string where a name is expected', { query: `{ ${quoted} }` }],
  ['a string after a name', { query: `{ films ${quoted} }` }],
  ['a block string where a name is expected', { query: `{ """${SECRET}""" }` }],
  ['a string that does not end', { query: `{ films(search: "${SECRET}) { nodes { id } } }` }],
  ['arguments that conflict', { query: `{ films(search: ${quoted}) { nodes { id } } films(search: "b") { nodes { id } } }` }],
  ['a cursor', { query: films(`after: ${quoted}`) }],
  ['the id of a persisted operation', { query: '', extensions: { persistedQuery: { version: 1, sha256Hash: SECRET } } }],
  [
    'the version of a persisted operation',
    { query: '', extensions: { persistedQuery: { version: SECRET, sha256Hash: SECRET } } },
  ],
];

describe.each(transports)('over %s', (_name, ask) => {
  test.each(MISTAKES)('an answer and the log do not repeat what was sent: %s', async (_where, sent) => {
    log.length = 0;
    // Again, for what was answered once may be answered in another way afterwards.
    for (let time = 0; time < 2; time++) {
      const { answer } = await ask(sent);
      expect(answer.errors?.length).toBeGreaterThan(0);
      expect(JSON.stringify(answer)).not.toMatch(/hunter2|swordfish/);
    }
    expect(log.join('')).not.toMatch(/hunter2|swordfish/);
    expect(log.filter((line) => line.includes('"level":50'))).toEqual([]);
  });

  test.each<[what: string, sent: Sent]>([
    [
      '60 unknown fields beside a string of 500 KB',
      {
        query: topUp,
        variables: {
          input: {
            ...good,
            returnUrl: 'x'.repeat(500_000),
            ...Object.fromEntries(Array.from({ length: 60 }, (_, index) => [`no${index}`, 1])),
          },
        },
      },
    ],
    [
      '60 unknown fields of a document',
      { query: `{ ${Array.from({ length: 60 }, (_, index) => `no${index}${LONG.slice(0, 5_000)}`).join(' ')} }` },
    ],
    ['a long name of a field', { query: `{ ${LONG} }` }],
    ['a long name of a type', { query: `query ($v: ${LONG}) { films { nodes { id } } }` }],
    ['a long name of a fragment', { query: `{ ...${LONG} }` }],
    ['a long name of a directive', { query: `{ __typename @${LONG} }` }],
    ['a long name of an argument', { query: films(`${LONG}: 1`) }],
    ['a long name of a variable', { query: films(`first: $${LONG}`) }],
    ['a long value of an enum', { query: `{ subscriptions(status: ${LONG}) { nodes { id } } }` }],
    ['a long name of an input field', { query: topUp, variables: { input: { ...good, [LONG]: 1 } } }],
    ['a long alias of a field that fails', { query: `{ ${LONG}: films(after: "no") { nodes { id } } }` }],
    ['a long name of the operation', { query: '{ __typename } ', operationName: LONG }],
    [
      'many wrong elements of a list',
      {
        query: 'query ($v: [ID!]!) { access(filmIds: $v) { filmId } }',
        variables: { v: Array.from({ length: 20_000 }, () => ({})) },
      },
    ],
    [
      'many fields that fail',
      { query: `{ ${Array.from({ length: 20 }, (_, index) => `a${index}: films(after: "no") { nodes { id } }`).join(' ')} }` },
    ],
    [
      'many wrong literals',
      {
        query: `query ($a: Boolean!) { ${Array.from({ length: 18 }, () => `films(first: "${'x'.repeat(9_000)}") { nodes { id } }`).join(' ')} }`,
      },
    ],
  ])('%s: 10 errors at most, 300 characters each', async (_what, sent) => {
    for (let time = 0; time < 2; time++) {
      const { answer, bytes } = await ask(sent);
      expect(answer.errors?.length).toBeGreaterThan(0);
      expect(answer.errors?.length).toBeLessThanOrEqual(10);
      for (const { message } of answer.errors ?? []) expect(message.length).toBeLessThanOrEqual(300);
      expect(bytes).toBeLessThan(MAX_ANSWER_BYTES);
    }
  });

  test('a message still says which field of which variable is at fault, and what was expected there', async () => {
    const { answer } = await ask({ query: topUp, variables: { input: { ...good, amount: 'much' } } });
    expect(answer.errors?.[0]).toMatchObject({ locations: [{ line: 1, column: 11 }], extensions: { code: 'BAD_USER_INPUT' } });
    expect(answer.errors?.[0]?.message).toMatch(
      /^Variable "\$input" got an invalid value at "input\.amount"; Expected type "MinorUnits"\./,
    );
  });
});

test.each([
  ['JSON that does not parse', 'application/json', `{"query": "{ films }", "variables": {"password": "${SECRET}", ]`],
  ['a body that is no object', 'application/json', JSON.stringify(SECRET)],
  ['JSON with a prototype', 'application/json', `{"__proto__": {"password": "${SECRET}"}}`],
  ['a type that is not served', `text/${SECRET.replace(' ', '-')}`, '{}'],
  ['variables as a text', 'application/json', JSON.stringify({ query: '{ __typename }', variables: JSON.stringify({ SECRET }) })],
])('An answer does not repeat %s', async (_what, contentType, body) => {
  const response = await fetch(`${kit.url}/graphql`, { method: 'POST', headers: { 'content-type': contentType }, body });
  const text = await response.text();
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(response.status).toBeLessThan(500);
  expect(JSON.parse(text)).toHaveProperty('errors');
  expect(text).not.toMatch(/hunter2|swordfish/);
});

test('An answer does not repeat a path that does not decode', async () => {
  const response = await fetch(`${kit.url}/hunter2%ff`);
  expect(response.status).toBe(400);
  expect(await response.text()).not.toContain('hunter2');
});
