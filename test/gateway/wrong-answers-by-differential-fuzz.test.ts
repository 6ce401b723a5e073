import { monitorEventLoopDelay } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  parse,
  specifiedRules,
  subscribe,
  validate,
} from 'graphql';
import { maskError } from '../../src/gateway/graphql/errors.js';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { createContext } from '../../src/resolvers/context.js';
import type { Caller } from '../../src/services/caller.js';
import type { AppServices, Services } from '../../src/services/services.js';
import { CardShop } from '../support/card-shop.js';
import { testServices } from '../support/test-services.js';
import { type Answer, startGateway, tokenFor } from './gateway-kit.js';
import { type Candidates, OperationDrawer, type RandomOperation } from './random-operation.js';
import { overHttp, overWebSocket, type Send } from './send-both-ways.js';

const seed = Number(process.env.FUZZ_SEED ?? 20_261_128);
/** Documents; `npm run fuzz` draws ten thousand. */
const count = Number(process.env.FUZZ_COUNT ?? 150);
const isLong = count >= 1_000;
const MAX_RESPONSE_BYTES = 4 * 1_024 * 1_024;
const MAX_BLOCK_MS = 250;
/** An answer lists this many errors at most. */
const MAX_ERRORS = 10;

/** An id of nothing. */
const UNKNOWN = '01900000-0000-7000-8000-0000000000ff';

const ROOTS = {
  query: [
    'me',
    'me',
    'access',
    'access',
    'film',
    'films',
    'subscription',
    'subscriptions',
    'node',
    'account',
    'accounts',
    'order',
    'stripeEvents',
    'reconciliations',
  ],
  mutation: ['cancelOrder', 'topUp', 'refundGrant', 'revokeGrant', 'adjustBalance', 'updateFilm'],
  subscription: ['balanceChanged', 'grantChanged'],
} as const;

let kit: Awaited<ReturnType<typeof startGateway>>;
let shop: CardShop;
let services: Services;
let schema: GraphQLSchema;
let candidates: Candidates;
let userId: string;
const logged: string[] = [];

beforeAll(async () => {
  shop = await CardShop.open();
  const offer = await shop.desk.putOnSale(100, 30);
  const viewer = await shop.viewer(1_000_000);
  for (let bought = 0; bought < 3; bought++) await shop.buy(viewer, offer);
  userId = viewer.userId;
  const idsOf = async (table: string) =>
    (await shop.db.rows<{ id: string }>(`select id from ${table} limit 3`)).map(({ id }) => id);
  const films = await idsOf('films');
  const all = [
    ...films,
    ...(await idsOf('grants')),
    ...(await idsOf('transactions')),
    ...(await idsOf('subscriptions')),
    UNKNOWN,
    'x',
  ];
  const key = 'differential-key';
  candidates = {
    id: all,
    'film.id': [...films, UNKNOWN],
    'subscription.id': [...(await idsOf('subscriptions')), UNKNOWN],
    'account.userId': [userId, UNKNOWN],
    userId: [userId, UNKNOWN, 'x'],
    filmIds: [films, [UNKNOWN], [...films, 'x', UNKNOWN], films.map((id) => id.toUpperCase()), []],
    first: [0, 1, 2, 3, 5, 101],
    after: [null, 'eyJ', 'WzFd'],
    search: [null, 'a', '%'],
    time: ['2026-01-01T00:00:00Z', '2100-01-01T00:00:00.000+01:00', 'yesterday'],
    orderId: [UNKNOWN, 'x'],
    'topUp.input': [
      { amount: 1, currency: 'USD', idempotencyKey: key },
      { amount: 500, currency: 'XXX', idempotencyKey: key },
      { amount: 1.5 },
    ],
    'refundGrant.input': [
      { grantId: UNKNOWN, idempotencyKey: key },
      { grantId: 'x', idempotencyKey: key },
    ],
    'revokeGrant.input': [{ grantId: UNKNOWN, reason: 'a test' }],
    'adjustBalance.input': [{ userId, amount: 0, currency: 'USD', reason: 'a test', idempotencyKey: key }],
    'updateFilm.input': [{ id: UNKNOWN, title: 'A title' }, { id: 'x' }],
  };
  services = testServices({
    database: shop.db.database,
    stripe: shop.stripe,
    clock: shop.clock,
    logger: { error: (details, message) => void logged.push(`${message} ${JSON.stringify(details)}`) },
  });
  schema = await composeSchema();
  kit = await startGateway({
    services: services as unknown as AppServices,
    clock: shop.clock,
    environment: { RATE_LIMITS: 'false', OPERATIONS_PER_SOCKET_COUNT: '1000', INTROSPECTION: 'true' },
    onLog: (line) => logged.push(line),
  });
});
afterAll(async () => {
  await kit?.stop();
  await services?.close();
  await shop?.close();
});

/** What a client can see of an answer: its text, and which errors are where. */
interface Seen {
  readonly data: string;
  readonly errors: readonly string[];
}

const seen = (data: unknown, errors: readonly { path?: unknown; extensions?: { code?: unknown } }[] = []): Seen => ({
  data: JSON.stringify(data) ?? 'none',
  errors: errors.map(({ path, extensions }) => `${JSON.stringify(path) ?? ''} ${String(extensions?.code)}`).sort(),
});
const isLive = ({ query }: RandomOperation) => query.startsWith('subscription');
const seenOf = ({ data, errors }: Answer) => seen(data, errors);

/** graphql-js alone, on the same schema and services; null when the document is not valid. */
async function reference(operation: RandomOperation, caller: Caller): Promise<Seen | null> {
  const document = parse(operation.query);
  if (validate(schema, document, specifiedRules).length > 0) return null;
  const contextValue = createContext({
    caller,
    requestId: 'plain',
    services: services as unknown as AppServices,
    now: shop.clock.now(),
  });
  const args = {
    schema,
    document,
    operationName: operation.operationName,
    variableValues: operation.variables,
    contextValue,
  };
  const result = isLive(operation) ? await firstEvent(args) : ((await execute(args)) as ExecutionResult);
  const errors = (result.errors ?? []).map((error) => maskError(error, { suggestions: true }, codeOf(error)).error);
  // An event without data would be a gap: it ends its live operation, by a message of errors alone.
  const data = isLive(operation) ? (result.data ?? undefined) : result.data;
  return seen(data, errors);
}

/** GraphQL gives no code to what is wrong about variables. */
const codeOf = ({ message, path }: GraphQLError) =>
  !path && /^(Variable "\$|Too many errors processing variables)/.test(message) ? 'BAD_USER_INPUT' : undefined;

async function firstEvent(args: Parameters<typeof subscribe>[0]): Promise<ExecutionResult> {
  const stream = await subscribe(args);
  if (!(Symbol.asyncIterator in stream)) return stream;
  const { value } = await stream.next();
  await stream.return?.(undefined);
  return value as ExecutionResult;
}

/**
 * Where a null has spread upwards, the answer is complete before all fields under it are, and how many of their errors it has is a
 * matter of timing: https://spec.graphql.org/October2021/#sec-Handling-Field-Errors. Then the errors of one contain the other's.
 */
function expectSame(actual: Seen, expected: Seen): void {
  expect(actual.data).toBe(expected.data);
  if (expected.errors.length > MAX_ERRORS) {
    // Which ten come first is a matter of timing too.
    expect(actual.errors.length).toBe(MAX_ERRORS);
    expect(expected.errors).toEqual(expect.arrayContaining([...actual.errors]));
    return;
  }
  const [fewer, more] = [actual.errors, expected.errors].sort((one, other) => one.length - other.length) as [string[], string[]];
  if (fewer.length > 0 && more.some((error) => hasSpread(error, expected.data)))
    expect(more).toEqual(expect.arrayContaining(fewer));
  else expect(actual.errors).toEqual(expected.errors);
}

/** Whether the null that an error left is further up than its field. */
function hasSpread(error: string, data: string): boolean {
  const path = error.startsWith('[') ? (JSON.parse(error.slice(0, error.lastIndexOf(' '))) as (string | number)[]) : [];
  let value: unknown = data === 'none' ? null : JSON.parse(data);
  for (const step of path) {
    if (value === null) return true;
    value = (value as Record<string | number, unknown>)[step];
  }
  return false;
}

/** Limits of the guard, which graphql-js does not have. */
const isGuardsRefusal = ({ errors }: Answer) =>
  errors?.some(({ message, extensions }) => extensions.code === 'QUERY_TOO_EXPENSIVE' || /are served|is served/.test(message));

async function compare(operation: RandomOperation, caller: Caller, sends: { http: Send; webSocket: Send }): Promise<void> {
  // Nothing ever changes in an account that does not exist: there is no first event to compare.
  if (isLive(operation) && JSON.stringify(operation).includes(UNKNOWN)) return;
  const expected = await reference(operation, caller);
  const answers: Answer[] = [];
  const ways = isLive(operation) ? [sends.webSocket] : [sends.http, sends.webSocket];
  for (const way of ways) for (let time = 0; time < 5; time++) answers.push(await way(operation));
  if (answers.some(isGuardsRefusal)) {
    expect(answers.map(seenOf)).toEqual(answers.map(() => seenOf(answers[0] as Answer)));
    return;
  }
  for (const answer of answers) {
    if (expected) expectSame(seenOf(answer), expected);
    else expect(answer.errors?.[0]?.extensions.code).toBe('GRAPHQL_VALIDATION_FAILED');
  }
}

test(
  `${count} drawn documents give the data, the error paths and the codes of graphql-js each time they are sent, over HTTP and WebSocket`,
  async () => {
    const people: { caller: Caller; sends: { http: Send; webSocket: Send & { close(): void } } }[] = [];
    for (const role of ['viewer', 'admin']) {
      const token = await tokenFor({ userId, role });
      const sends = { http: measured(overHttp(kit, token)), webSocket: await overWebSocket(kit, token) };
      people.push({ caller: { userId, role: role.toUpperCase() as Caller['role'] }, sends });
    }
    const delay = monitorEventLoopDelay({ resolution: 10 });
    let valid = 0;
    delay.enable();
    await fc.assert(
      fc.asyncProperty(fc.gen(), fc.constantFrom(...people), async (draw, { caller, sends }) => {
        const operation = new OperationDrawer(draw, schema, candidates, ROOTS).operation();
        if (validate(schema, parse(operation.query)).length === 0) valid += 1;
        await compare(operation, caller, sends);
        expect(logged.splice(0)).toEqual([]);
      }),
      { numRuns: count, seed, endOnFailure: true },
    );
    delay.disable();
    for (const { sends } of people) sends.webSocket.close();
    // Most documents must come as far as execution, or nothing is compared.
    expect(valid).toBeGreaterThan(count / 2);
    // Only the long run measures it: beside other tests, others block.
    if (isLong) expect(delay.max / 1e6).toBeLessThan(MAX_BLOCK_MS);
  },
  60_000 + count * 500,
);

/** No answer is larger than the cap. */
const measured =
  (send: Send): Send =>
  async (sent) => {
    const answer = await send(sent);
    expect(JSON.stringify(answer).length).toBeLessThanOrEqual(MAX_RESPONSE_BYTES);
    return answer;
  };
