import { type FragmentDefinitionNode, Kind, type OperationDefinitionNode, type SelectionSetNode } from 'graphql';

/** Finds the fragments of a document by name. */
export type FindFragment = (name: string) => FragmentDefinitionNode | null | undefined;

/**
 * Measures an operation from the leaves up. A fragment is measured once, however often it is spread, so the work is proportional to the
 * document; a fragment within itself counts as nothing (validation rejects it anyway).
 */
export function measureDepth(operation: OperationDefinitionNode, findFragment: FindFragment): number {
  const known = new Map<string, number>();
  const depthOf = (selectionSet: SelectionSetNode | undefined): number => {
    let deepest = 0;
    for (const selection of selectionSet?.selections ?? []) {
      if (selection.kind === Kind.FIELD) {
        if (!selection.name.value.startsWith('__')) deepest = Math.max(deepest, 1 + depthOf(selection.selectionSet));
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        deepest = Math.max(deepest, depthOf(selection.selectionSet));
      } else {
        deepest = Math.max(deepest, depthOfFragment(selection.name.value));
      }
    }
    return deepest;
  };
  const depthOfFragment = (name: string): number => {
    const before = known.get(name);
    if (before !== undefined) return before;
    known.set(name, 0);
    const depth = depthOf(findFragment(name)?.selectionSet);
    known.set(name, depth);
    return depth;
  };
  return depthOf(operation.selectionSet);
}

/** The number of root fields of an operation, counting those in fragments each time they are spread. */
export function countRootFields(operation: OperationDefinitionNode, findFragment: FindFragment): number {
  const known = new Map<string, number>();
  const count = (selectionSet: SelectionSetNode | undefined): number => {
    let fields = 0;
    for (const selection of selectionSet?.selections ?? []) {
      if (selection.kind === Kind.FIELD) fields += 1;
      else if (selection.kind === Kind.INLINE_FRAGMENT) fields += count(selection.selectionSet);
      else fields += countOfFragment(selection.name.value);
    }
    return fields;
  };
  const countOfFragment = (name: string): number => {
    const before = known.get(name);
    if (before !== undefined) return before;
    known.set(name, 0);
    const fields = count(findFragment(name)?.selectionSet);
    known.set(name, fields);
    return fields;
  };
  return count(operation.selectionSet);
}
