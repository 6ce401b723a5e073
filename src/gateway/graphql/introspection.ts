import { type FieldNode, GraphQLError } from 'graphql';

/**
 * Refuses a document that asks about the schema itself, by the first such `field`, with GRAPHQL_VALIDATION_FAILED. No rule of
 * validation: those do not know who asks, and what was valid for an admin would be known for all.
 */
export function refuseIntrospection(field: FieldNode | null): void {
  if (!field) return;
  throw new GraphQLError(`Introspection is switched off, and the document asks for "${field.name.value}".`, {
    nodes: field,
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400 } },
  });
}
