import { beforeAll, expect, test } from '@jest/globals';
import { type GraphQLObjectType, type GraphQLSchema, getNamedType, isObjectType } from 'graphql';
import { allowedRoles } from '../../src/gateway/graphql/roles.js';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { accountType } from '../../src/resolvers/page-query/account-page.js';
import { objectPieces, StatementBuilder } from '../../src/resolvers/page-query/json-sql.js';
import type { Selected } from '../../src/resolvers/page-query/look-ahead.js';
import { isRowResolver, rowFields } from '../../src/resolvers/row-fields.js';

let schema: GraphQLSchema;
beforeAll(async () => {
  schema = await composeSchema();
});

const fieldsOf = (typeName: string) => (schema.getType(typeName) as GraphQLObjectType).getFields();

test('Every field that follows from its row alone is known as such in the served schema, so that answers are written from rows', () => {
  for (const [typeName, fields] of Object.entries(rowFields)) {
    const served = fieldsOf(typeName);
    for (const name of Object.keys(fields)) {
      // Those that only some roles may read are checked field by field.
      const isForAll = !allowedRoles(schema, served[name] as object);
      expect([typeName, name, isRowResolver(served[name]?.resolve)]).toEqual([typeName, name, isForAll]);
    }
  }
});

test('Every field of type Money resolves by one rule, but for those that must be worked out', () => {
  const workedOut: string[] = [];
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type)) continue;
    for (const { name, type: of, resolve } of Object.values(type.getFields())) {
      if (getNamedType(of).name === 'Money' && !resolve?.name.startsWith('resolve')) workedOut.push(`${type.name}.${name}`);
    }
  }
  expect(workedOut.sort()).toEqual(['Account.balanceAt', 'Balance.available', 'Transaction.refundable']);
});

/** Fields that a page resolves field by field when they are asked for: each needs other tables or a role. */
const RESOLVED_FIELD_BY_FIELD = {
  Account: ['balanceAt', 'orders', 'proof'],
  Balance: [],
  Grant: ['actorId', 'order', 'refundQuote', 'refunds', 'spending'],
  Transaction: ['actorId', 'hash', 'order', 'refund', 'refundable'],
  Subscription: ['stripePriceId', 'stripeProductId', 'stripeSync'],
  Film: ['access', 'subscriptions'],
};

test.each(Object.entries(RESOLVED_FIELD_BY_FIELD))(
  'Every field of %s is read by the one statement of a page, or is known not to be',
  (typeName, slow) => {
    expect(
      Object.keys(fieldsOf(typeName))
        .filter((name) => !isInStatement(typeName, name))
        .sort(),
    ).toEqual(slow);
  },
);

/** How the types of a page are reached from the account. */
const PATHS: Record<string, readonly string[]> = {
  Account: [],
  Balance: ['balance'],
  Grant: ['grants', 'nodes'],
  Transaction: ['transactions', 'nodes'],
  Subscription: ['grants', 'nodes', 'subscription'],
  Film: ['grants', 'nodes', 'films', 'nodes'],
};

function isInStatement(typeName: string, field: string): boolean {
  const leaf = getNamedType(fieldsOf(typeName)[field]?.type as never);
  const inner = isObjectType(leaf) ? [selected('__typename', [])] : [];
  const selection = (PATHS[typeName] ?? []).reduceRight((nested, name) => [selected(name, nested)], [selected(field, inner)]);
  try {
    objectPieces(accountType(schema), 'viewer', selection, new StatementBuilder());
    return true;
  } catch {
    return false;
  }
}

const selected = (field: string, selection: readonly Selected[]): Selected => ({
  key: field,
  field,
  argumentsOf: () => ({}),
  fixedArguments: {},
  selection,
});
