import { type DocumentNode, GraphQLError, Kind, type SelectionSetNode } from 'graphql';

/**
 * The maximum number of pairs of fields with the same response name: GraphQL's own rule compares each pair, so its work is quadratic.
 * 300 fields with one name are 45,000 pairs.
 */
const MAX_SAME_NAME_PAIRS = 50_000;

/**
 * Rejects a document that is small as a text and large once its fragments are expanded. It must run before any other traversal of the
 * document, and visits each node once. Returns the number of selections.
 *
 * @throws GRAPHQL_VALIDATION_FAILED
 */
export function limitExpansion(document: DocumentNode, limit: number): number {
  const count = countSelections(document);
  if (count > limit) {
    throw tooLarge(`The document has ${count} selections with its fragments expanded; at most ${limit} are allowed.`);
  }
  const pairs = countSameNamePairs(document);
  if (pairs > MAX_SAME_NAME_PAIRS) throw tooLarge('The document repeats too many fields with the same name.');
  return count;
}

/**
 * Counts selections, each fragment wherever it is spread: those of all operations, and of unused fragments. A fragment within itself
 * counts as nothing; validation rejects it.
 */
export function countSelections(document: DocumentNode): number {
  const fragments = new Map<string, SelectionSetNode>();
  for (const node of document.definitions) {
    if (node.kind === Kind.FRAGMENT_DEFINITION) fragments.set(node.name.value, node.selectionSet);
  }
  const known = new Map<string, number>();
  const countOf = (selectionSet: SelectionSetNode): number => {
    let count = 0;
    for (const selection of selectionSet.selections) {
      count += 1;
      if (selection.kind === Kind.FRAGMENT_SPREAD) count += countOfFragment(selection.name.value);
      else if (selection.selectionSet) count += countOf(selection.selectionSet);
    }
    // Beyond this, adding one would have no effect.
    return Math.min(count, Number.MAX_SAFE_INTEGER);
  };
  const countOfFragment = (name: string): number => {
    const before = known.get(name);
    if (before !== undefined) return before;
    known.set(name, 0);
    const selectionSet = fragments.get(name);
    const count = selectionSet ? countOf(selectionSet) : 0;
    known.set(name, count);
    return count;
  };
  let total = 0;
  for (const node of document.definitions) if (node.kind === Kind.OPERATION_DEFINITION) total += countOf(node.selectionSet);
  for (const name of fragments.keys()) if (!known.has(name)) total += countOfFragment(name);
  return Math.min(total, Number.MAX_SAFE_INTEGER);
}

/** Pairs of fields anywhere in the document that have the same response name. */
function countSameNamePairs(document: DocumentNode): number {
  const counts = new Map<string, number>();
  let pairs = 0;
  const visit = (selectionSet: SelectionSetNode) => {
    for (const selection of selectionSet.selections) {
      if (selection.kind === Kind.FIELD) {
        const name = selection.alias?.value ?? selection.name.value;
        const count = counts.get(name) ?? 0;
        pairs += count;
        counts.set(name, count + 1);
      }
      if (selection.kind !== Kind.FRAGMENT_SPREAD && selection.selectionSet) visit(selection.selectionSet);
    }
  };
  for (const node of document.definitions) if ('selectionSet' in node) visit(node.selectionSet);
  return pairs;
}

const tooLarge = (message: string) =>
  new GraphQLError(message, { extensions: { code: 'GRAPHQL_VALIDATION_FAILED', http: { status: 400 } } });
