import { BREAK, type DocumentNode, type FieldNode, GraphQLError, visit } from 'graphql';

const found = new WeakMap<DocumentNode, FieldNode | null>();

/** The first field that asks about the schema itself. Looked for once per document, which the servers keep per text. */
function introspectionOf(document: DocumentNode): FieldNode | null {
  const known = found.get(document);
  if (known !== undefined) return known;
  let first: FieldNode | null = null;
  visit(document, {
    Field(node) {
      if (node.name.value !== '__schema' && node.name.value !== '__type') return undefined;
      first = node;
      return BREAK;
    },
  });
  found.set(document, first);
  return first;
}

/**
 * Refuses a document that asks about the schema itself, with GRAPHQL_VALIDATION_FAILED. No rule of validation: those do not know
 * who asks, and what was valid for an admin would be known for all.
 */
export function refuseIntrospection(document: DocumentNode): void {
  const field = introspectionOf(document);
  if (!field) return;
  throw new GraphQLError(`Introspection is switched off, and the document asks for "${field.name.value}".`, {
    nodes: field,
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400 } },
  });
}
