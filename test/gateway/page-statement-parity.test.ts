import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ExecutionResult, execute, type GraphQLSchema, parse, specifiedRules, validate } from 'graphql';
import { createExecutor } from '../../src/gateway/graphql/execute.js';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { createContext } from '../../src/resolvers/context.js';
import { systemClock } from '../../src/runtime/clock.js';
import type { Caller } from '../../src/services/caller.js';
import { encodeCursor } from '../../src/services/pagination.js';
import { testServices } from '../support/test-services.js';
import { accountsOf, historyKit } from './accounts-kit.js';
import { stubServices } from './gateway-kit.js';
import { pageLimits, preparedOperations, runPrepared } from './run-prepared.js';

type Kit = Awaited<ReturnType<typeof historyKit>>;
let kit: Kit;
let schema: GraphQLSchema;
let viewer: Caller;
let newcomer: Caller;

beforeAll(async () => {
  kit = await historyKit();
  schema = await composeSchema();
  const userId = await kit.past.viewer();
  await kit.past.topUp(userId, 10_000);
  for (let count = 0; count < 4; count++) await kit.past.grant(userId);
  await kit.db.rows(`update films set title = $1, description = $2`, ['"M" \\ Größe \u{1F3AC}\n\t\u0001', 'Line\u2028two']);
  viewer = { userId, role: 'VIEWER' };
  newcomer = { userId: '01939c1e-0000-7000-9000-0000000000ff', role: 'VIEWER' };
});
afterAll(() => kit.drop());

const MONEY = '{ amount currency }';
const PAGE_INFO = 'pageInfo { hasNextPage hasPreviousPage startCursor endCursor __typename }';
const GRANT = `id userId status paidWith grantedAt availableUntil reason pricePerDay ${MONEY}`;
const TRANSACTION = `id kind version counterAccount createdAt reason amount ${MONEY} balanceAfter ${MONEY}`;

const pages: [what: string, query: string, variables?: Record<string, unknown>][] = [
  [
    'the whole page',
    `{ me { userId balance { posted ${MONEY} held ${MONEY} available ${MONEY} version updatedAt }
     grants { nodes { ${GRANT} subscription { id version title description status durationDays price ${MONEY} pricePerDay ${MONEY}
       films { nodes { id } } } films { edges { cursor node { id title description } } ${PAGE_INFO} } } ${PAGE_INFO} }
     transactions { nodes { ${TRANSACTION} grant { ${GRANT} subscription { title } } } ${PAGE_INFO} } } }`,
  ],
  [
    'other names',
    `{ a: me { b: balance { c: posted { d: amount } } e: grants(first: 1) { f: nodes { g: id } } } h: me { userId } }`,
  ],
  [
    'type names',
    `{ __typename me { __typename balance { __typename } grants(first: 1) { __typename edges { __typename node { __typename } } } } }`,
  ],
  [
    'nodes asked for nothing but their type',
    `{ me { grants { nodes { __typename } edges { __typename } } transactions { nodes { __typename } ${PAGE_INFO} } } }`,
  ],
  [
    'fragments',
    `{ me { ...A ... on Account { balance { held { amount } } } } }
     fragment A on Account { balance { version held { currency } } grants(first: 2) { nodes { ... on Node { id } ...G } } }
     fragment G on Grant { id status }`,
  ],
  [
    'connections asked for nothing of their rows',
    `{ me { grants { __typename } transactions { pageInfo { hasPreviousPage __typename } } } }`,
  ],
  [
    'connections without rows asked for nothing of them',
    `{ me { grants(status: REVOKED) { __typename } transactions(kind: DISPUTE) { pageInfo { hasPreviousPage } } } }`,
  ],
  ['a full page and nothing more', `{ me { grants(first: 4) { nodes { id } ${PAGE_INFO} } } }`],
  ['a page with more after it', `{ me { grants(first: 2) { nodes { id } edges { cursor } ${PAGE_INFO} } } }`],
  [
    'cursors without asking for more',
    `{ me { transactions(first: 3) { nodes { version } pageInfo { endCursor startCursor } } } }`,
  ],
  [
    'a filter',
    `query ($kind: TransactionKind) { me { transactions(kind: $kind) { nodes { kind amount { amount } } } } }`,
    { kind: 'TOP_UP' },
  ],
  ['a filter that nothing meets', `{ me { grants(status: REVOKED) { nodes { id } edges { node { id } } ${PAGE_INFO} } } }`],
  [
    'variables with defaults',
    `query ($first: Int = 2, $after: String) { me { grants(first: $first, after: $after) { nodes { id } ${PAGE_INFO} } } }`,
  ],
  ...[Number.MAX_SAFE_INTEGER, -1].map((version): [string, string, Record<string, unknown>] => [
    `a hand-made cursor, at version ${version}`,
    `query ($after: String) { me { transactions(after: $after) { nodes { id } } } }`,
    { after: encodeCursor([version]) },
  ]),
];

const refused: [what: string, query: string, variables?: Record<string, unknown>][] = [
  ['a page too large', `{ me { userId grants(first: 101) { nodes { id } } } }`],
  ['a page of nothing', `query ($first: Int) { me { grants(first: $first) { nodes { id } } } }`, { first: 0 }],
  [
    'a cursor of another connection',
    `query ($after: String) { me { grants(after: $after) { nodes { id } } } }`,
    { after: 'WzFd' },
  ],
  [
    'a hand-made cursor, before the first instant of Postgres',
    `query ($after: String) { me { userId grants(after: $after) { nodes { id } } } }`,
    { after: encodeCursor([-8.64e15, '01939c1e-0000-7000-9000-0000000000ff']) },
  ],
  ['a variable of another type', `query ($first: Int) { me { grants(first: $first) { nodes { id } } } }`, { first: 'ten' }],
  ['null in place of a default', `query ($first: Int = 2) { me { grants(first: $first) { nodes { id } } } }`, { first: null }],
  ['a field for admins', `{ me { userId grants { nodes { actorId } } } }`],
];

/** Films and subscriptions are read for real, too. */
const services = (accounts = kit.accounts) =>
  stubServices({ accounts, catalogue: testServices({ database: kit.db.database, clock: systemClock }).catalogue });

async function ask(query: string, variables: Record<string, unknown> = {}, caller: Caller = viewer) {
  const document = parse(query);
  expect(validate(schema, document, specifiedRules)).toEqual([]);
  const context = () => createContext({ caller, requestId: 'test', services: services(), now: new Date() });
  const plain = (await execute({ schema, document, variableValues: variables, contextValue: context() })) as ExecutionResult;
  const executor = createExecutor(schema, pageLimits, (error) => {
    throw error;
  });
  const operations = preparedOperations(schema);
  const send = () => runPrepared(operations, executor, { query, variables, context: context() });
  await send();
  kit.statements.length = 0;
  const whole = await send();
  return { plain: JSON.parse(JSON.stringify(plain)), whole: JSON.parse(JSON.stringify(whole)), statements: [...kit.statements] };
}

describe('a page that one statement can give', () => {
  test.each(pages)('is read by one, and is what field by field gives: %s', async (_what, query, variables = {}) => {
    const { plain, whole, statements } = await ask(query, variables);
    expect(plain.errors).toBeUndefined();
    expect(whole).toEqual(plain);
    expect(statements).toEqual([expect.stringMatching(/^account-page-/)]);
  });

  const LONG = 'x'.repeat(400_000);
  const tooLong: [what: string, query: string][] = [
    ['a name that is long', `{ me { grants(first: 20) { nodes { ${LONG}: id } } } }`],
    [
      'a name that is long, in pages of pages',
      `{ me { grants(first: 4) { nodes { films(first: 4) { nodes { ${LONG}: id } } } } } }`,
    ],
    [
      'a text that is long, under many names',
      `{ me { grants(first: 100) { nodes { subscription { ${'abcdefghi'.replace(/./g, '$&: description ')} } } } } }`,
    ],
    [
      'texts in pages of pages',
      `{ me { grants(first: 100) { nodes { films(first: 10) { edges { node { description } } } } } } }`,
    ],
  ];
  test.each(tooLong)('is not read by one when its answer may be too long for: %s', async (_what, query) => {
    const { plain, whole, statements } = await ask(query);
    expect(whole).toEqual(plain);
    expect(statements.filter((name) => name.startsWith('account-page-'))).toEqual([]);
  });

  test('is read by one or not by the size that variables ask for', async () => {
    const query =
      'query ($first: Int!) { me { grants(first: $first) { nodes { films(first: $first) { nodes { description } } } } } }';
    expect((await ask(query, { first: 20 })).statements).toEqual([expect.stringMatching(/^account-page-/)]);
    expect((await ask(query, { first: 100 })).statements).not.toContainEqual(expect.stringMatching(/^account-page-/));
  });

  test('is that of an empty account for a viewer who never did anything', async () => {
    const [, query] = pages[0] as [string, string];
    const { plain, whole } = await ask(query, {}, newcomer);
    expect(plain.errors).toBeUndefined();
    expect(whole).toEqual(plain);
    expect(whole.data.me.balance).toMatchObject({ version: 0, updatedAt: null, posted: { amount: 0, currency: 'EUR' } });
  });

  test('continues where the last one ended, until there is no more', async () => {
    const query = `query ($after: String) { me { grants(first: 3, after: $after) { nodes { id } pageInfo { hasNextPage endCursor } } } }`;
    const first = await ask(query);
    const { endCursor, hasNextPage } = first.whole.data.me.grants.pageInfo;
    expect(hasNextPage).toBe(true);
    const second = await ask(query, { after: endCursor });
    expect(second.whole).toEqual(second.plain);
    expect(second.whole.data.me.grants.nodes).toHaveLength(1);
    expect(second.whole.data.me.grants.pageInfo.hasNextPage).toBe(false);
  });

  test('asks the database for nothing that was not asked for', async () => {
    const seen: string[] = [];
    const { database } = kit.db;
    const watched = {
      query(statement: { name: string; text: string }, values?: readonly unknown[]) {
        seen.push(statement.text);
        return database.query(statement, values);
      },
    };
    const accounts = accountsOf(watched as never);
    const query = '{ me { balance { version } } }';
    const operations = preparedOperations(schema);
    const executor = createExecutor(schema, pageLimits, (error) => {
      throw error;
    });
    for (let time = 0; time < 2; time++) {
      const context = createContext({ caller: viewer, requestId: 'test', services: services(accounts), now: new Date() });
      await runPrepared(operations, executor, { query, context });
    }
    expect(seen.at(-1)).not.toMatch(/grants|transactions|films|to_char/);
  });
});

const placeOf = (error: { path: unknown }) => error.path;

describe('A refusal in a page that one statement can give', () => {
  test.each(refused)('is at the same places as field by field: %s', async (_what, query, variables = {}) => {
    const { plain, whole } = await ask(query, variables);
    expect(plain.errors.length).toBeGreaterThan(0);
    expect(whole.data ?? null).toEqual(plain.data ?? null);
    expect(whole.errors.map(placeOf)).toEqual(plain.errors.map(placeOf));
  });

  test('of a caller without an account of their own says why', async () => {
    const { whole } = await ask('{ me { userId } }', {}, { userId: null, role: 'PUBLIC' });
    expect(whole.errors[0].message).toBe('Authentication required.');
    const service = await ask('{ me { userId } }', {}, { userId: viewer.userId, role: 'SERVICE' } as Caller);
    expect(service.whole.errors[0].message).toBe("You don't have permission to do this.");
  });
});
