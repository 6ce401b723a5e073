import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type ExecutionResult, execute, type GraphQLSchema, parse, specifiedRules, validate } from 'graphql';
import { createExecutor } from '../../src/gateway/graphql/execute.js';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { createContext } from '../../src/resolvers/context.js';
import type { Caller } from '../../src/services/caller.js';
import { historyKit } from './accounts-kit.js';
import { pageLimits, preparedOperations, runPrepared } from './run-prepared.js';

type Kit = Awaited<ReturnType<typeof historyKit>>;
let kit: Kit;
let schema: GraphQLSchema;
let viewer: Caller;
let ids: { grantId: string; orderId: string };

beforeAll(async () => {
  kit = await historyKit();
  schema = await composeSchema();
  const userId = await kit.past.viewer();
  const { orderId } = await kit.past.topUp(userId, 10_000);
  ids = { orderId, grantId: await kit.past.grant(userId) };
  await kit.past.grant(userId);
  viewer = { userId, role: 'VIEWER' };
});
afterAll(() => kit.drop());

const GRANT = 'fragment G on Grant { id status pricePerDay { amount } refunds { id } subscription { title } }';

const operations: [what: string, query: string, variables?: Record<string, unknown>][] = [
  ['aliases', '{ a: me { b: balance { c: posted { d: amount } } } e: me { userId } }'],
  ['merged fields', '{ me { balance { posted { amount } } balance { posted { currency } version } } }'],
  ['fragments on an interface', '{ me { grants { nodes { ... on Node { id __typename } } } } }'],
  ['a fragment spread twice', `{ me { grants(first: 1) { nodes { ...G } edges { node { ...G } } } } } ${GRANT}`],
  ['node by id', `query ($id: ID!) { node(id: $id) { __typename id ...G ... on Order { kind } } } ${GRANT}`, { id: 'grant' }],
  [
    'node of another type',
    `query ($id: ID!) { node(id: $id) { __typename id ...G ... on Order { kind } } } ${GRANT}`,
    { id: 'order' },
  ],
  [
    'a field left out',
    'query ($yes: Boolean!) { me { userId @skip(if: $yes) balance @include(if: $yes) { version } } }',
    { yes: true },
  ],
  [
    'a field kept',
    'query ($yes: Boolean!) { me { userId @skip(if: $yes) balance @include(if: $yes) { version } } }',
    { yes: false },
  ],
  [
    'a fragment left out, though its fields stand elsewhere too',
    `query ($yes: Boolean!) { me { grants { nodes { id ...G @include(if: $yes) } } } } ${GRANT}`,
    { yes: false },
  ],
  [
    'one of two fragments left out',
    'query ($a: Boolean!, $b: Boolean!) { me { ...A @include(if: $a) ...B @include(if: $b) } } fragment A on Account { balance { version } } fragment B on Account { balance { version held { amount } } }',
    { a: false, b: true },
  ],
  [
    'a variable with a default',
    'query ($first: Int = 1) { me { grants(first: $first) { nodes { id } pageInfo { hasNextPage endCursor } } } }',
  ],
  ['a default given as null', 'query ($first: Int = 1) { me { grants(first: $first) { nodes { id } } } }', { first: null }],
  [
    'an enum variable',
    'query ($status: GrantStatus) { me { grants(status: $status) { nodes { status } } } }',
    { status: 'ACTIVE' },
  ],
  [
    'a wrong enum variable',
    'query ($status: GrantStatus) { me { grants(status: $status) { nodes { status } } } }',
    { status: 'GONE' },
  ],
  [
    'a DateTime variable',
    'query ($time: DateTime!) { me { balanceAt(time: $time) { amount } } }',
    { time: '2027-01-01T00:00:00Z' },
  ],
  ['a wrong DateTime', 'query ($time: DateTime!) { me { balanceAt(time: $time) { amount } } }', { time: '2027-02-30T00:00:00Z' }],
  [
    'an input with wrong fields',
    'mutation ($input: PurchaseInput!) { purchase(input: $input) { errors { code } } }',
    { input: { subscriptionId: 'x', payWith: 'CARD', idempotencyKey: 'short', other: 1 } },
  ],
  ['a missing variable', 'query ($time: DateTime!) { me { balanceAt(time: $time) { amount } } }'],
  ['a field that is refused', '{ me { transactions { nodes { id actorId } } } }'],
  ['a root field that is refused', '{ me { userId } jobs { name } }'],
  ['a nullable root field that is refused', '{ subscription(id: "x") { id } order(id: "x") { id } }'],
  ['a wrong argument deep down', '{ me { userId grants(first: 1) { nodes { id films(first: 0) { nodes { id } } } } } }'],
];

const plainErrors = (result: ExecutionResult) =>
  (result.errors ?? [])
    .map(({ message, path, extensions }) => ({
      // Ours do not repeat what was sent.
      message: message.startsWith('Variable "$') ? 'a variable' : message.replace(/\.$/, ''),
      path,
      // What is wrong about variables has no code yet when plain GraphQL says it.
      code: extensions?.code ?? (message.startsWith('Variable "$') ? 'BAD_USER_INPUT' : undefined),
    }))
    .sort((left, right) => JSON.stringify(left).localeCompare(JSON.stringify(right)));

describe('an operation that is prepared once and run three times gives what graphql-js gives', () => {
  test.each(operations)('for %s', async (_what, query, given = {}) => {
    const document = parse(query);
    expect(validate(schema, document, specifiedRules)).toEqual([]);
    const variables = {
      ...given,
      ...(given.id === 'grant' && { id: ids.grantId }),
      ...(given.id === 'order' && { id: ids.orderId }),
    };
    const context = () => createContext({ caller: viewer, requestId: 'test', services: kit.services, now: new Date() });
    const plain = (await execute({ schema, document, variableValues: variables, contextValue: context() })) as ExecutionResult;
    const operations = preparedOperations(schema);
    const executor = createExecutor(schema, pageLimits);
    for (let time = 0; time < 3; time++) {
      const result = await runPrepared(operations, executor, { query, variables, context: context() });
      expect(JSON.parse(JSON.stringify(result.data ?? null))).toEqual(JSON.parse(JSON.stringify(plain.data ?? null)));
      const errors = plainErrors(result);
      expect(errors).toEqual(plainErrors(plain));
    }
  });
});
