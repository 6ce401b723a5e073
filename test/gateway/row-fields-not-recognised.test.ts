import { expect, test } from '@jest/globals';
import type { GraphQLObjectType } from 'graphql';
import { allowedRoles } from '../../src/gateway/graphql/roles.js';
import { composeSchema } from '../../src/gateway/graphql/schema.js';
import { rowFields, rowResolvers } from '../../src/resolvers/row-fields.js';

test('Every field that follows from its row alone is known as such in the served schema, so that answers are written from rows', async () => {
  const schema = await composeSchema();
  for (const [typeName, fields] of Object.entries(rowFields)) {
    const served = (schema.getType(typeName) as GraphQLObjectType).getFields();
    for (const name of Object.keys(fields)) {
      // Those that only some roles may read are checked field by field.
      const isForAll = !allowedRoles(schema, served[name] as object);
      expect([typeName, name, rowResolvers.has(served[name]?.resolve)]).toEqual([typeName, name, isForAll]);
    }
  }
});
