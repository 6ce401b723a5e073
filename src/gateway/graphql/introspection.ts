import { type FieldNode, GraphQLError } from 'graphql';

/**
 * Rejects a document that introspects the schema with the first such `field`: @throws GRAPHQL_VALIDATION_FAILED. This is not a validation
 * rule, because rules do not know the caller, and a document validated for an admin would be valid for everyone.
 */
export function refuseIntrospection(field: FieldNode | null): void {
  if (!field) return;
  throw new GraphQLError(`Introspection is disabled, but the document queries "${field.name.value}".`, {
    nodes: field,
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400 } },
  });
}
