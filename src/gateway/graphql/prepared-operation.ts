import {
  BREAK,
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  type GraphQLSchema,
  getVariableValues,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import { rootFieldsOf } from '../guard/rates.js';
import { MAX_ERRORS, RequestRefused, refusedWith } from './request-refused.js';

export type Variables = Readonly<Record<string, unknown>>;

/** Variables as they were sent, and as the operation declares them: defaults filled in, types checked. */
export interface CheckedVariables {
  readonly given: Variables;
  readonly values: Variables;
}

/** An operation that was parsed, bounded and validated: what every step after it needs, worked out once. */
export class PreparedOperation {
  /** Names of the root fields; the first is what metrics call the operation by. */
  readonly rootFields: readonly string[];
  /** The first field that asks about the schema itself; null when none does. */
  readonly introspection: FieldNode | null;

  constructor(
    private readonly schema: GraphQLSchema,
    readonly document: DocumentNode,
    readonly operation: OperationDefinitionNode,
    /** As it was sent. */
    readonly operationName: string | undefined,
    private readonly maxVariableValues: number,
  ) {
    this.rootFields = rootFieldsOf(document, operation.selectionSet, new Set());
    this.introspection = introspectionIn(document);
  }

  get rootField(): string {
    return this.rootFields[0] ?? '?';
  }

  /** Checks the variables against their declarations; stops at the first few errors. `@throws` RequestRefused, BAD_USER_INPUT. */
  checkVariables(given: Variables | null | undefined): CheckedVariables {
    const sent = given ?? {};
    const definitions = this.operation.variableDefinitions ?? [];
    if (definitions.length === 0) return { given: sent, values: {} };
    if (hasMoreValues(sent, this.maxVariableValues)) {
      const tooMany = new GraphQLError(`The variables hold more than ${this.maxVariableValues} values.`);
      throw new RequestRefused([refusedWith('BAD_USER_INPUT', tooMany)]);
    }
    const { coerced, errors = [] } = getVariableValues(this.schema, definitions, sent, { maxErrors: MAX_ERRORS });
    if (coerced) return { given: sent, values: coerced };
    throw new RequestRefused(errors.map((error) => refusedWith('BAD_USER_INPUT', error)));
  }
}

/**
 * Whether a JSON value holds more than `limit` items of lists and fields of objects: checking types costs microseconds for each.
 * Stops there, and does not recurse.
 */
function hasMoreValues(value: object, limit: number): boolean {
  const open: unknown[] = [value];
  let count = 0;
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const values: unknown[] = Array.isArray(next) ? next : Object.values(next as object);
    count += values.length;
    if (count > limit) return true;
    for (const inner of values) if (typeof inner === 'object' && inner !== null) open.push(inner);
  }
  return false;
}

function introspectionIn(document: DocumentNode): FieldNode | null {
  let first: FieldNode | null = null;
  visit(document, {
    Field(node) {
      if (node.name.value !== '__schema' && node.name.value !== '__type') return undefined;
      first = node;
      return BREAK;
    },
  });
  return first;
}
