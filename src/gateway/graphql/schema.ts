import { readFileSync } from 'node:fs';
import { makeExecutableSchema } from '@graphql-tools/schema';
import { MapperKind, mapSchema } from '@graphql-tools/utils';
import { GraphQLObjectType, GraphQLScalarType, type GraphQLSchema, getNamedType, isObjectType } from 'graphql';
import { buildSchema, createResolversMap, type NonEmptyArray } from 'type-graphql';
import { AccessResolver } from '../../resolvers/access-resolver.js';
import { AccountResolver } from '../../resolvers/account-resolver.js';
import { billingErrorType } from '../../resolvers/billing-error-type.js';
import { FilmResolver } from '../../resolvers/film-resolver.js';
import { GrantResolver } from '../../resolvers/grant-resolver.js';
import { LiveResolver } from '../../resolvers/live-resolver.js';
import { NodeResolver } from '../../resolvers/node-resolver.js';
import { OperationsResolver } from '../../resolvers/operations-resolver.js';
import { OrderResolver } from '../../resolvers/order-resolver.js';
import { RefundResolver } from '../../resolvers/refund-resolver.js';
import { moneyField, rowFields } from '../../resolvers/row-fields.js';
import { SubscriptionResolver } from '../../resolvers/subscription-resolver.js';
import { TransactionResolver } from '../../resolvers/transaction-resolver.js';
import { ownFile } from '../pages/served-files.js';
import { enforceRoles } from './roles.js';
import { schemaDrift } from './schema-drift.js';

const resolverClasses: NonEmptyArray<new () => object> = [
  AccessResolver,
  AccountResolver,
  FilmResolver,
  GrantResolver,
  LiveResolver,
  NodeResolver,
  OperationsResolver,
  OrderResolver,
  RefundResolver,
  SubscriptionResolver,
  TransactionResolver,
];

/** type-graphql asks for one; ours are no topics: each live field gives its own stream. */
const noTopics = {
  publish: () => undefined,
  subscribe: (): never => {
    throw new Error('there are no topics to subscribe to');
  },
};

/** The contract's text: `schema.graphql` at the root of the package. */
export function readContract(): string {
  return readFileSync(ownFile('schema.graphql'), 'utf8');
}

/** What the classes say the schema is, under the contract's names. */
export async function classSchema(): Promise<GraphQLSchema> {
  const built = await buildSchema({ resolvers: resolverClasses, validate: false, pubSub: noTopics });
  // The root goes first: the class of the plan cannot be called Subscription while the root is.
  const live = rename(built, 'Subscription', 'Live');
  return rename(live, 'SubscriptionPlan', 'Subscription');
}

function rename(schema: GraphQLSchema, from: string, to: string): GraphQLSchema {
  return mapSchema(schema, {
    [MapperKind.OBJECT_TYPE]: (type) =>
      type.name === from ? new GraphQLObjectType({ ...type.toConfig(), name: to }) : undefined,
  });
}

/**
 * The schema that is served: the contract's text with the classes' resolvers, and the contract's roles enforced. Fails when the
 * classes and the contract differ in anything, or when a root field does not say who may use it.
 */
export async function composeSchema(contract: string = readContract()): Promise<GraphQLSchema> {
  const fromClasses = await classSchema();
  const resolvers = resolversOf(fromClasses);
  // Here and not in the classes: type-graphql's own way is a promise, which compiled operations do not wait for.
  resolvers.BillingError = { __resolveType: billingErrorType };
  resolvers.Node = { __resolveType: ({ __typename }: { __typename: string }) => __typename };
  const served = makeExecutableSchema({
    typeDefs: contract,
    resolvers: resolvers as never,
    resolverValidationOptions: { requireResolversToMatchSchema: 'error' },
  });
  const drift = schemaDrift(served, fromClasses);
  if (drift.length > 0) throw new Error(`The resolver classes differ from schema.graphql:\n${drift.join('\n')}`);
  return enforceRoles(served);
}

function resolversOf(fromClasses: GraphQLSchema): Record<string, Record<string, unknown>> {
  const resolvers = createResolversMap(fromClasses) as Record<string, Record<string, unknown> | GraphQLScalarType>;
  const entries = Object.entries(resolvers).map(([name, resolver]) => {
    if (resolver instanceof GraphQLScalarType) {
      // The whole scalar would take the place of the contract's, description and all.
      const { serialize, parseValue, parseLiteral } = resolver;
      return [name, { serialize, parseValue, parseLiteral }];
    }
    // Rows are the entities', not instances of the classes.
    const { __isTypeOf: _, ...fields } = resolver;
    const ofRows = name === 'Live' ? changesThemselves(fields) : resolveOnly((rowFields as Record<string, object>)[name] ?? {});
    return [name, { ...fields, ...ofRows }];
  });
  return withMoney(fromClasses, Object.fromEntries(entries));
}

/** Every field of type Money that no class resolves follows from a number on its row. */
function withMoney(fromClasses: GraphQLSchema, resolvers: Record<string, Record<string, unknown>>) {
  for (const type of Object.values(fromClasses.getTypeMap())) {
    if (!isObjectType(type) || type.name.startsWith('__')) continue;
    for (const field of Object.values(type.getFields())) {
      if (getNamedType(field.type).name !== 'Money' || resolvers[type.name]?.[field.name]) continue;
      resolvers[type.name] = { ...resolvers[type.name], [field.name]: { resolve: moneyField(field.name) } };
    }
  }
  return resolvers;
}

/** Bare functions would be bound to the map they are in, and no longer be known for what they are: see isRowResolver. */
function resolveOnly(fields: object): Record<string, object> {
  return Object.fromEntries(Object.entries(fields).map(([name, resolve]) => [name, { resolve }]));
}

/** What a live field gives for an event is the event. type-graphql's own way is a promise, once for every event. */
function changesThemselves(fields: Record<string, unknown>): Record<string, object> {
  const entries = Object.entries(fields as Record<string, object>);
  return Object.fromEntries(entries.map(([name, field]) => [name, { ...field, resolve: (change: unknown) => change }]));
}
