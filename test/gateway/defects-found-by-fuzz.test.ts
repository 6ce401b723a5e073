import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Grant } from '../../src/entities/grant.js';
import { readContract } from '../../src/gateway/graphql/schema.js';
import type { AppServices, Services } from '../../src/services/services.js';
import { RawSocket } from '../live/socket-scene.js';
import { CardShop } from '../support/card-shop.js';
import { testServices } from '../support/test-services.js';
import { until } from '../support/until.js';
import { startGateway, tokenFor } from './gateway-kit.js';

/** The same inputs in every run; FUZZ_SEED gives others. */
const seed = Number(process.env.FUZZ_SEED ?? 20_261_125);

/** What there is to be asked about. */
const present = { userId: '', subscriptionId: '', filmId: '', grantId: '', cursor: '' };
let keys = 0;
const key = () => `fuzz-key-${++keys}`;
const ERRORS = 'errors { __typename code message path }';

interface Seed {
  readonly query: string;
  /** Variables that make sense; those of `input` are changed one by one. */
  readonly given?: () => Record<string, unknown> & { input?: object };
}

/** Operations that make sense, to be mutated. */
const seeds: Seed[] = [
  { query: '{ me { balance { posted { amount } } grants(first: 3, after: "eyJ") { nodes { id } } } }' },
  {
    query:
      'query Q($id: ID!, $first: Int = 5) { node(id: $id) { __typename ... on Grant { id films(first: $first) { nodes { id } } } } }',
    given: () => ({ id: present.grantId }),
  },
  {
    query: '{ a: me { orders(status: PAID) { edges { cursor node { amount { amount currency } } } pageInfo { hasNextPage } } } }',
  },
  { query: '{ me { balanceAt(time: "2026-01-01T00:00:00Z") { amount } transactions(kind: TOP_UP) { nodes { version } } } }' },
  { query: 'fragment F on Account { userId } query { me { ...F } accounts(first: 1) { nodes { ...F } } }' },
  { query: '{ __schema { types { name fields { name } } } }' },
  {
    query:
      'query ($ids: [ID!]!, $user: ID) { access(filmIds: $ids, userId: $user) { filmId allowed reason offers { id title } } }',
    given: () => ({ ids: [present.filmId] }),
  },
  {
    query: `mutation ($input: PurchaseInput!) { purchase(input: $input) { grant { id } balance { version } ${ERRORS} } }`,
    given: () => ({ input: { subscriptionId: present.subscriptionId, payWith: 'BALANCE', idempotencyKey: key() } }),
  },
  {
    query: `mutation ($input: PurchaseInput!) { purchase(input: $input) { order { id checkoutUrl } ${ERRORS} } }`,
    given: () => ({ input: { subscriptionId: present.subscriptionId, payWith: 'CARD', idempotencyKey: key() } }),
  },
  {
    query: `mutation ($input: TopUpInput!) { topUp(input: $input) { order { status checkoutUrl } ${ERRORS} } }`,
    given: () => ({ input: { amount: 500, currency: 'USD', idempotencyKey: key() } }),
  },
  {
    query: `mutation ($input: RefundGrantInput!) { refundGrant(input: $input) { refund { status } ${ERRORS} } }`,
    given: () => ({ input: { grantId: present.grantId, destination: 'BALANCE', idempotencyKey: key() } }),
  },
  {
    query: `mutation ($input: AdjustBalanceInput!) { adjustBalance(input: $input) { balance { version } ${ERRORS} } }`,
    given: () => ({
      input: { userId: present.userId, amount: 500, currency: 'USD', reason: 'a test', idempotencyKey: key() },
    }),
  },
  {
    query: 'subscription ($after: String) { balanceChanged(after: $after) { cursor balance { version } transaction { kind } } }',
    given: () => ({ after: present.cursor }),
  },
];
const words = [...new Set(readContract().match(/[A-Za-z_]+|[{}()[\]!:@$]/g))];

interface Edit {
  readonly at: number;
  readonly remove: number;
  readonly insert: string;
}
const edits: fc.Arbitrary<Edit[]> = fc.array(
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
);
const odd = fc.constantFrom<unknown>(2 ** 53, -1, 0, 1.5, 1e21, '', '\u0000', '\ud800', 'x'.repeat(600), 'CARD', ' USD ', null);
const values = fc.oneof(fc.jsonValue({ maxDepth: 3 }), odd);
const fields = fc.constantFrom(
  'subscriptionId',
  'payWith',
  'idempotencyKey',
  'returnUrl',
  'amount',
  'currency',
  'grantId',
  'reason',
);

/** An operation with a few edits in its text, its variables and the fields of its input. */
const mutated = fc
  .record({
    of: fc.constantFrom(...seeds),
    // Half of the texts stay whole, so that they come as far as the services.
    textEdits: fc.oneof(fc.constant<Edit[]>([]), edits),
    variables: fc.dictionary(fc.constantFrom('id', 'ids', 'user', 'first', 'after', 'input', '__proto__'), values, {
      maxKeys: 2,
    }),
    input: fc.dictionary(fields, values, { maxKeys: 3 }),
  })
  .map(({ of, textEdits, variables, input }) => {
    const given = of.given?.() ?? {};
    return {
      query: textEdits.reduce(
        (text, { at, remove, insert }) => `${text.slice(0, at)} ${insert} ${text.slice(at + remove)}`,
        of.query,
      ),
      variables: { ...given, ...(given.input && { input: { ...given.input, ...input } }), ...variables } as Record<
        string,
        unknown
      >,
    };
  });

const LEAKS =
  /INTERNAL_SERVER_ERROR|stack|node_modules|\.ts:|select |syntax error at|relation "|invalid input syntax|TypeError|Cannot read/;

let kit: Awaited<ReturnType<typeof startGateway>>;
let shop: CardShop;
let services: Services;
const defects: string[] = [];
beforeAll(async () => {
  shop = await CardShop.open();
  const offer = await shop.desk.putOnSale(100, 30);
  const viewer = await shop.viewer(1_000_000);
  await shop.buy(viewer, offer);
  const [grant] = await shop.db.rows<Grant>('select id from grants');
  const [film] = await shop.db.rows<{ id: string }>('select id from films');
  Object.assign(present, { ...viewer, subscriptionId: offer.subscriptionId, filmId: film?.id, grantId: grant?.id });
  services = testServices({
    database: shop.db.database,
    stripe: shop.stripe,
    clock: shop.clock,
    logger: { error: (details, message) => void defects.push(`${message} ${JSON.stringify(details)}`) },
  });
  const first = await services.live.watchBalance(viewer.userId, null);
  present.cursor = ((await first.next()).value as { cursor: string }).cursor;
  await first.return?.();
  await shop.buy(viewer, offer);
  const jobs = { list: async () => [], run: async () => ({ errors: [] }) };
  kit = await startGateway({
    services: { ...services, jobs } as unknown as AppServices,
    environment: { RATE_LIMITS: 'false', OPERATIONS_PER_SOCKET_COUNT: '1000' },
    onLog: (line) => defects.push(line),
  });
});
afterAll(async () => {
  await kit.stop();
  await services.close();
  await shop.close();
});

/** Of the viewer who has something, in turn with an admin. */
const tokens = () =>
  Promise.all([tokenFor({ userId: present.userId }), tokenFor({ userId: present.userId, role: 'admin' })] as const);

describe('whatever is sent', () => {
  test('as document and variables, nothing is a defect and nothing leaks', async () => {
    const [viewer, admin] = await tokens();
    await fc.assert(
      fc.asyncProperty(mutated, fc.constantFrom(viewer, admin), async (operation, token) => {
        const response = await kit.post(operation, { authorization: `Bearer ${token}` });
        const text = await response.text();
        expect(response.status).toBeLessThan(500);
        expect(text).not.toMatch(LEAKS);
        expect(defects.splice(0)).toEqual([]);
      }),
      { numRuns: 400, seed },
    );
    // Some came as far as the services, and were done.
    const [done] = await shop.db.rows<{ orders: number; movements: number }>(
      'select (select count(*)::int from orders) as orders, (select count(*)::int from transactions) as movements',
    );
    expect(done?.orders).toBeGreaterThan(0);
    expect(done?.movements).toBeGreaterThan(5);
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
    const connect = async (token?: string) => {
      const socket = await RawSocket.bare(`${kit.url.replace('http', 'ws')}/graphql`);
      socket.send({ type: 'connection_init', payload: { token: token ?? (await tokenFor({ role: 'admin' })) } });
      await until(() => socket.messages.some(({ type }) => type === 'connection_ack'), 'acknowledged');
      return socket;
    };

    test('as document and variables, it answers with no defect and no leak, and the socket stays open', async () => {
      const sockets = await Promise.all((await tokens()).map((token) => connect(token)));
      let id = 0;
      await fc.assert(
        fc.asyncProperty(mutated, fc.constantFrom(...sockets), async ({ query, variables }, socket) => {
          socket.subscribe(`${++id}`, query, variables);
          // A live operation may have nothing to send.
          socket.subscribe(`${id} after`, '{ __typename }');
          await socket.next(`${id} after`);
          socket.send({ type: 'complete', id: `${id}` });
          expect(JSON.stringify(socket.messages.splice(0))).not.toMatch(LEAKS);
          expect(defects.splice(0)).toEqual([]);
        }),
        { numRuns: 200, seed },
      );
      for (const { closed, socket } of sockets) {
        expect(closed).toBeNull();
        socket.terminate();
      }
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
          expect(defects.splice(0)).toEqual([]);
          socket.socket.terminate();
        }),
        { numRuns: 100, seed },
      );
    });
  });
});
