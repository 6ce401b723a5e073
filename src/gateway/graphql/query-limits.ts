import {
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type OperationDefinitionNode,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql';
import type { Limits } from '../../config/limits.js';
import { scalarLiteralErrors } from './scalar-literal-errors.js';

/** The validation rules in addition to GraphQL's own. */
export function guardRules(limits: Limits): ValidationRule[] {
  return [
    scalarLiteralErrors,
    limitDepth(limits.queryDepthMaximumCount),
    limitAliases(limits.queryAliasesMaximumCount),
    limitDirectives(limits.queryDirectivesMaximumCount),
    limitRootFields(limits.queryRootFieldsMaximumCount),
  ];
}

/** Introspection is ignored: it has its own setting. */
const limitDepth = (limit: number) =>
  limitOperation(limit, measureDepth, (depth) => `The operation nests ${depth} fields deep; at most ${limit} are allowed.`);

/** Each root field may be a page, or move money. */
const limitRootFields = (limit: number) =>
  limitOperation(limit, countRootFields, (count) => `The operation has ${count} root fields; at most ${limit} are allowed.`);

type Measure = (operation: OperationDefinitionNode, findFragment: FindFragment) => number;

const limitOperation =
  (limit: number, measure: Measure, message: (measured: number) => string): ValidationRule =>
  (context) => ({
    OperationDefinition(node) {
      const measured = measure(node, (name) => context.getFragment(name));
      if (measured > limit) context.reportError(new GraphQLError(message(measured), { nodes: node }));
    },
  });

/** Aliases can request the same field many times. */
const limitAliases = (limit: number) =>
  limitDocument('aliases', limit, (count) => ({ Field: ({ alias }: FieldNode) => void (alias && count()) }));

/** Each directive, in any position, costs work before execution. */
const limitDirectives = (limit: number) => limitDocument('directives', limit, (count) => ({ Directive: () => count() }));

const limitDocument =
  (what: string, limit: number, visitor: (count: () => void) => ReturnType<ValidationRule>): ValidationRule =>
  (context) => {
    let found = 0;
    return {
      ...visitor(() => {
        found += 1;
      }),
      Document: {
        leave(node) {
          if (found <= limit) return;
          context.reportError(
            new GraphQLError(`The document has ${found} ${what}; at most ${limit} are allowed.`, { nodes: node }),
          );
        },
      },
    };
  };

/** Finds the fragments of a document by name. */
type FindFragment = (name: string) => FragmentDefinitionNode | null | undefined;

/** How many fields deep an operation nests. */
export const measureDepth: Measure = (operation, findFragment) =>
  fold(operation, findFragment, {
    ofField: ({ name }, below) => (name.value.startsWith('__') ? 0 : 1 + below()),
    join: Math.max,
  });

/** The number of root fields of an operation, counting those in fragments each time they are spread. */
export const countRootFields: Measure = (operation, findFragment) =>
  fold(operation, findFragment, { ofField: () => 1, join: (one, other) => one + other });

/**
 * Measures an operation from the leaves up. A fragment is measured once, however often it is spread, so the work is proportional to the
 * document; a fragment within itself counts as nothing (validation rejects it anyway).
 */
function fold(
  operation: OperationDefinitionNode,
  findFragment: FindFragment,
  measure: { ofField(node: FieldNode, below: () => number): number; join(one: number, other: number): number },
): number {
  const known = new Map<string, number>();
  const ofSelections = (selectionSet: SelectionSetNode | undefined): number => {
    let total = 0;
    for (const selection of selectionSet?.selections ?? []) {
      const { kind } = selection;
      if (kind === Kind.FRAGMENT_SPREAD) total = measure.join(total, ofFragment(selection.name.value));
      else if (kind === Kind.INLINE_FRAGMENT) total = measure.join(total, ofSelections(selection.selectionSet));
      else
        total = measure.join(
          total,
          measure.ofField(selection, () => ofSelections(selection.selectionSet)),
        );
    }
    return total;
  };
  const ofFragment = (name: string): number => {
    const before = known.get(name);
    if (before !== undefined) return before;
    known.set(name, 0);
    const measured = ofSelections(findFragment(name)?.selectionSet);
    known.set(name, measured);
    return measured;
  };
  return ofSelections(operation.selectionSet);
}
