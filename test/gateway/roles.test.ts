import { beforeAll, describe, expect, test } from '@jest/globals';
import {
  execute,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isCompositeType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  parse,
  subscribe,
} from 'graphql';
import { allowedRoles } from '../../src/gateway/graphql/roles.js';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { createContext } from '../../src/resolvers/context.js';
import type { Caller } from '../../src/services/caller.js';
import { stubServices } from './gateway-kit.js';

const somebody = '11111111-1111-4111-8111-111111111111';
const another = '22222222-2222-4222-8222-222222222222';

const callers: Record<string, Caller> = {
  nobody: { userId: null, role: 'PUBLIC' },
  'another viewer': { userId: another, role: 'VIEWER' },
  'a service': { userId: another, role: 'SERVICE' },
  support: { userId: another, role: 'SUPPORT' },
  'an admin': { userId: another, role: 'ADMIN' },
};

const samples: Record<string, string> = {
  ID: `"${somebody}"`,
  String: '"text"',
  Int: '1',
  MinorUnits: '100',
  CurrencyCode: '"EUR"',
  IdempotencyKey: '"12345678"',
};

function sampleOf(type: GraphQLInputType): string {
  if (isNonNullType(type)) return sampleOf(type.ofType);
  if (isListType(type)) return `[${sampleOf(type.ofType)}]`;
  if (isEnumType(type)) return type.getValues()[0]?.name ?? '';
  if (!isInputObjectType(type)) return samples[type.name] ?? '';
  const fields = Object.values(type.getFields()).filter((field) => isNonNullType(field.type));
  return `{${fields.map((field) => `${field.name}: ${sampleOf(field.type)}`).join(', ')}}`;
}

/** Somebody's things are asked for wherever an argument can say whose. */
function argumentsOf(args: readonly GraphQLArgument[]): string {
  const given = args.filter((arg) => isNonNullType(arg.type) || arg.name === 'userId');
  return given.length === 0 ? '' : `(${given.map((arg) => `${arg.name}: ${sampleOf(arg.type)}`).join(', ')})`;
}

type RootField = GraphQLField<unknown, unknown>;

let schema: GraphQLSchema;
beforeAll(async () => {
  schema = await composeSchema();
});

const rootFields = (): [operation: string, field: RootField][] => [
  ...Object.values(schema.getQueryType()?.getFields() ?? {}).map((field): [string, RootField] => ['query', field]),
  ...Object.values(schema.getMutationType()?.getFields() ?? {}).map((field): [string, RootField] => ['mutation', field]),
  ...Object.values(schema.getSubscriptionType()?.getFields() ?? {}).map((field): [string, RootField] => ['subscription', field]),
];

/** The code that a caller gets for a root field; null when it went through to the service. */
async function codeFor(caller: Caller, operation: string, field: RootField): Promise<unknown> {
  const selection = isCompositeType(getNamedType(field.type)) ? '{ __typename }' : '';
  const document = parse(`${operation} { ${field.name}${argumentsOf(field.args)} ${selection} }`);
  const contextValue = createContext({ caller, requestId: 'test', services: stubServices(), now: new Date() });
  const result = await (operation === 'subscription' ? subscribe : execute)({ schema, document, contextValue });
  const [error] = 'errors' in result ? (result.errors ?? []) : [];
  return error?.extensions.code ?? null;
}

/** What the contract and the rule of one's own say must happen. */
function codeExpected(caller: Caller, operation: string, field: RootField): string | null {
  const roles = allowedRoles(schema, field) ?? [];
  if (roles.includes('PUBLIC')) return null;
  if (caller.role === 'PUBLIC') return 'UNAUTHENTICATED';
  // Support reads what viewers may, and changes nothing.
  if (caller.role === 'SUPPORT' && operation === 'mutation') return 'FORBIDDEN';
  if (!roles.includes(caller.role === 'SUPPORT' ? 'VIEWER' : caller.role)) return 'FORBIDDEN';
  const asksForSomebody = field.args.some(({ name }) => name === 'userId');
  return asksForSomebody && (caller.role === 'VIEWER' || caller.role === 'SUPPORT') ? 'FORBIDDEN' : null;
}

describe('every root field of the contract', () => {
  test('is walked', () => {
    expect(rootFields().length).toBe(33);
  });

  test.each(Object.entries(callers))('serves or refuses %s as @allowed says', async (_who, caller) => {
    const found: Record<string, unknown> = {};
    const expected: Record<string, unknown> = {};
    for (const [operation, field] of rootFields()) {
      found[`${operation} ${field.name}`] = await codeFor(caller, operation, field);
      expected[`${operation} ${field.name}`] = codeExpected(caller, operation, field);
    }
    expect(found).toEqual(expected);
  });

  test('is refused to somebody: the walk would notice a gate that lets everyone through', async () => {
    const purchase = schema.getMutationType()?.getFields().purchase as RootField;
    expect(await codeFor(callers.nobody as Caller, 'mutation', purchase)).toBe('UNAUTHENTICATED');
    expect(await codeFor(callers['an admin'] as Caller, 'mutation', purchase)).toBe('FORBIDDEN');
  });
});

describe('an admin', () => {
  const reached: string[] = [];
  const services = stubServices({
    grants: { gift: async () => void reached.push('gift'), revoke: async () => void reached.push('revoke') },
    adjustments: { adjust: async () => void reached.push('adjust') },
    accounts: { rows: { grantsByIds: async (ids: string[]) => ids.map((id) => ({ id, userId: another })) } },
  });
  const codesOf = async (userId: string) => {
    const codes: unknown[] = [];
    for (const mutation of [
      `giftGrant(input: { userId: "${another}", subscriptionId: "${somebody}", reason: "why", idempotencyKey: "12345678" })`,
      `revokeGrant(input: { grantId: "${somebody}", reason: "why" })`,
      `adjustBalance(input: { userId: "${another.toUpperCase()}", amount: 1, currency: "EUR", reason: "why", idempotencyKey: "12345678" })`,
    ]) {
      const document = parse(`mutation { ${mutation} { __typename } }`);
      const contextValue = createContext({ caller: { userId, role: 'ADMIN' }, requestId: 'test', services, now: new Date() });
      const { errors } = await execute({ schema, document, contextValue });
      codes.push(errors?.[0]?.extensions.code);
    }
    return codes;
  };

  test('does not act on their own account: another admin does', async () => {
    expect(await codesOf(another)).toEqual(['FORBIDDEN', 'FORBIDDEN', 'FORBIDDEN']);
    expect(reached).toEqual([]);
    await codesOf(somebody);
    expect(reached).toEqual(['gift', 'revoke', 'adjust']);
  });
});

describe('a field that only admins may see', () => {
  const row = {
    id: somebody,
    userId: somebody,
    kind: 'ADJUSTMENT',
    actorId: another,
  };
  const services = stubServices({
    accounts: {
      kindOf: async () => 'Transaction',
      rows: { transactionsByIds: async () => [row] },
      pages: {},
      balances: {},
    },
  });
  const ask = (caller: Caller) =>
    execute({
      schema,
      document: parse(`{ node(id: "${somebody}") { ... on Transaction { id actorId } } }`),
      contextValue: createContext({ caller, requestId: 'test', services, now: new Date() }),
    });

  test('is null, with FORBIDDEN, for the viewer whose row it is', async () => {
    const result = await ask({ userId: somebody, role: 'VIEWER' });
    expect(result.data).toEqual({ node: { id: somebody, actorId: null } });
    expect(result.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  });

  test('is there for an admin', async () => {
    expect((await ask({ userId: another, role: 'ADMIN' })).data).toEqual({ node: { id: somebody, actorId: another } });
  });

  test('is not even reached by another viewer', async () => {
    expect((await ask({ userId: another, role: 'VIEWER' })).data).toEqual({ node: null });
  });
});

describe('a service that asks for access', () => {
  const grant = { id: somebody, userId: somebody, status: 'ACTIVE', spendingId: another, orderId: another };
  const services = stubServices({
    access: {
      decide: async () => [{ filmId: somebody, allowed: true, reason: 'GRANTED', availableUntil: null, grantId: somebody }],
    },
    accounts: {
      rows: { grantsByIds: async () => [grant], transactionsByIds: async () => [{ id: another, userId: somebody }] },
      pages: {},
      balances: {},
    },
  });
  const ask = (caller: Caller, fields: string) =>
    execute({
      schema,
      document: parse(`{ access(filmIds: ["${somebody}"], userId: "${somebody}") { allowed grant { id status ${fields} } } }`),
      contextValue: createContext({ caller, requestId: 'test', services, now: new Date() }),
    });

  test('sees the grant that decided', async () => {
    const result = await ask({ userId: another, role: 'SERVICE' }, '');
    expect(result.data).toEqual({ access: [{ allowed: true, grant: { id: somebody, status: 'ACTIVE' } }] });
  });

  test.each(['order { id }', 'spending { id }', 'refundQuote { unusedDays }', 'refunds { id }'])(
    'does not see the money behind it: %s',
    async (fields) => {
      const result = await ask({ userId: another, role: 'SERVICE' }, fields);
      expect(result.errors?.[0]?.extensions.code).toBe('FORBIDDEN');
    },
  );

  test('is not an admin, who does', async () => {
    const result = await ask({ userId: another, role: 'ADMIN' }, 'spending { id }');
    expect(result.data).toMatchObject({ access: [{ grant: { spending: { id: another } } }] });
  });
});
