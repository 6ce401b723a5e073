import { describe, expect, test } from '@jest/globals';
import {
  type GraphQLNamedType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isIntrospectionType,
  isObjectType,
  isSpecifiedScalarType,
} from 'graphql';
import { classSchema, composeSchema, readContract } from '../../src/gateway/graphql/schema.js';
import { schemaDrift } from '../../src/gateway/graphql/schema-drift.js';

const contract = readContract();

function undescribed(schema: GraphQLSchema): string[] {
  const types = Object.values(schema.getTypeMap()).filter((type) => !isIntrospectionType(type) && !isSpecifiedScalarType(type));
  return types.flatMap((type) => [
    ...(type.description ? [] : [type.name]),
    ...partsOf(type).flatMap((part) => (part.description ? [] : [`${type.name}.${part.name}`])),
  ]);
}

function partsOf(type: GraphQLNamedType): { name: string; description?: string | null }[] {
  if (isEnumType(type)) return [...type.getValues()];
  if (isInputObjectType(type)) return Object.values(type.getFields());
  if (!isObjectType(type) && !isInterfaceType(type)) return [];
  return Object.values(type.getFields()).flatMap((field) => [
    field,
    ...field.args.map((arg) => ({ name: `${field.name}(${arg.name})`, description: arg.description })),
  ]);
}

describe('the contract', () => {
  test('is what the resolver classes serve, to the letter', async () => {
    expect(schemaDrift(await composeSchema(contract), await classSchema())).toEqual([]);
  });

  test.each([
    ['a String made nullable', 'title: String!', 'title: String', /title/],
    ['a default page size changed', 'first: Int = 20', 'first: Int = 21', /21/],
    ['an enum value more', 'enum OrderKind {', 'enum OrderKind {\n  "New."\n  GIFT_CARD', /GIFT_CARD/],
  ])('fails the start when it has %s', async (_what, from, to, message) => {
    await expect(composeSchema(contract.replace(from, to))).rejects.toThrow(message);
  });

  test('fails the start when a root field does not say who may use it', async () => {
    const silent = contract.replace('me: Account! @allowed(to: [VIEWER, ADMIN])', 'me: Account!');
    await expect(composeSchema(silent)).rejects.toThrow('Query.me');
  });

  test('describes every type, field, argument and enum value', async () => {
    expect(undescribed(await composeSchema(contract))).toEqual([]);
  });

  test('calls the plan Subscription and the live root Live', async () => {
    const schema = await composeSchema(contract);
    expect(schema.getSubscriptionType()?.name).toBe('Live');
    const film = schema.getQueryType()?.getFields().subscription;
    expect(film && getNamedType(film.type).name).toBe('Subscription');
  });
});
