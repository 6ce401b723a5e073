import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { readContract } from '../../src/gateway/schema.js';
import { History } from '../../src/services/history/history.js';
import { until } from '../live/live-scene.js';
import { RawSocket } from '../live/socket-scene.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { startGateway, stubServices, tokenFor } from './gateway-kit.js';

/** The same inputs in every run; FUZZ_SEED gives others. */
const seed = Number(process.env.FUZZ_SEED ?? 20_261_125);

/** Documents that make sense, to be mutated. */
const seeds = [
  '{ me { balance { posted { amount } } grants(first: 3, after: "eyJ") { nodes { id } } } }',
  'query Q($id: ID!, $first: Int = 5) { node(id: $id) { __typename ... on Grant { id films(first: $first) { nodes { id } } } } }',
  '{ a: me { orders(status: PAID) { edges { cursor node { amount { amount currency } } } pageInfo { hasNextPage } } } }',
  '{ me { balanceAt(time: "2026-01-01T00:00:00Z") { amount } transactions(kind: TOP_UP) { nodes { version } } } }',
  'fragment F on Account { userId } query { me { ...F } accounts(first: 1) { nodes { ...F } } }',
  '{ __schema { types { name fields { name } } } }',
];
const words = [...new Set(readContract().match(/[A-Za-z_]+|[{}()[\]!:@$]/g))];

const mutated = fc
  .tuple(
    fc.constantFrom(...seeds),
    fc.array(
      fc.record({
        at: fc.nat(200),
        remove: fc.nat(20),
        insert: fc.oneof(
          fc.constantFrom(...words),
          fc.string({ unit: 'binary', maxLength: 10 }),
          fc.constantFrom('null', '-1', '1e999', '"\\u0000"'),
        ),
      }),
      { maxLength: 4 },
    ),
  )
  .map(([seed, edits]) =>
    edits.reduce((text, { at, remove, insert }) => `${text.slice(0, at)} ${insert} ${text.slice(at + remove)}`, seed),
  );

const variables = fc.dictionary(fc.constantFrom('id', 'first', 'after', 'input', '__proto__'), fc.jsonValue({ maxDepth: 3 }));

const LEAKS = /stack|node_modules|\.ts:|select |syntax error at|relation "|invalid input syntax|TypeError|Cannot read/;

let kit: Awaited<ReturnType<typeof startGateway>>;
let db: TestDatabase;
const defects: string[] = [];
beforeAll(async () => {
  db = await testDatabase();
  const history = new History({ database: db.database, currency: 'EUR', pageMaximumCount: 100 });
  const nothing = async () => [];
  kit = await startGateway({
    services: stubServices({
      history,
      catalogue: { filmsByIds: nothing, subscriptionsByIds: nothing, subscriptionsByVersionIds: nothing },
    }),
    // The services that are not there end in "reached …": those are not the edge's defects.
    onLog: (line) => line.includes('reached ') || defects.push(line),
  });
});
afterAll(async () => {
  await kit.stop();
  await db.drop();
});

describe('whatever is sent', () => {
  test('as document and variables, nothing is a defect and nothing leaks', async () => {
    const token = await tokenFor({ role: 'admin' });
    await fc.assert(
      fc.asyncProperty(mutated, variables, async (query, given) => {
        const response = await kit.post({ query, variables: given }, { authorization: `Bearer ${token}` });
        const text = await response.text();
        expect(response.status).toBeLessThan(500);
        expect(text).not.toMatch(LEAKS);
        expect(defects).toEqual([]);
      }),
      { numRuns: 400, seed },
    );
  });

  test('as a body, the answer is never a 5xx', async () => {
    const bodies = fc.oneof(
      fc.json(),
      fc.string({ unit: 'binary' }),
      fc.record({ query: fc.anything(), variables: fc.anything() }).map((body) => JSON.stringify(body) ?? ''),
    );
    await fc.assert(
      fc.asyncProperty(
        bodies,
        fc.constantFrom('application/json', 'text/plain', 'application/graphql', ''),
        async (body, type) => {
          const response = await kit.post(body, { 'content-type': type });
          const text = await response.text();
          expect(response.status).toBeLessThan(500);
          expect(text).not.toMatch(LEAKS);
        },
      ),
      { numRuns: 200, seed },
    );
  });

  describe('over a socket', () => {
    const connect = async () => {
      const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`);
      socket.send({ type: 'connection_init', payload: { token: await tokenFor({ role: 'admin' }) } });
      await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
      return socket;
    };

    test('as document and variables, it answers with no defect and no leak, and the socket stays open', async () => {
      const socket = await connect();
      let id = 0;
      await fc.assert(
        fc.asyncProperty(mutated, variables, async (query, given) => {
          socket.subscribe(`${++id}`, query, given as Record<string, unknown>);
          expect(JSON.stringify(await socket.next(`${id}`))).not.toMatch(LEAKS);
          socket.send({ type: 'complete', id: `${id}` });
          expect(defects).toEqual([]);
        }),
        { numRuns: 200, seed },
      );
      expect(socket.closed).toBeNull();
      socket.socket.terminate();
    });

    test('as a message, the socket is closed with 4400 or another code of the protocol at most, and never with a defect', async () => {
      const kinds = fc.constantFrom('connection_init', 'subscribe', 'complete', 'ping', 'pong', 'next', 'nonsense');
      const messages = fc.oneof(
        fc.json(),
        fc.string({ unit: 'binary' }),
        fc.record({ type: kinds, id: fc.anything(), payload: fc.anything() }).map((message) => JSON.stringify(message) ?? ''),
      );
      await fc.assert(
        fc.asyncProperty(messages, async (message) => {
          const socket = await connect();
          socket.send(message);
          socket.send({ type: 'ping' });
          await until(() => socket.closed !== null || socket.messages.some(({ type }) => type === 'pong'), 'an answer');
          expect([null, 4400, 4409, 4429]).toContain(socket.closed?.code ?? null);
          expect(JSON.stringify([socket.messages, socket.closed])).not.toMatch(LEAKS);
          expect(defects).toEqual([]);
          socket.socket.terminate();
        }),
        { numRuns: 100, seed },
      );
    });
  });
});
