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
import { conditionsOf } from '../../resolvers/page-query/look-ahead.js';
import { rootFieldsOf } from './rate-limits.js';
import { MAX_ERRORS, RequestRefused, refusedWith } from './request-refused.js';
import { createVariableReader } from './variable-reader.js';

/** Larger operations are not planned: a plan's memory grows with its selections. */
export const MAX_PLANNED_SELECTIONS = 500;
/** The maximum number of plans of one operation, for different values of its conditions. */
export const MAX_PLANS = 4;

export type Variables = Readonly<Record<string, unknown>>;

/** Variables as sent, and as declared by the operation: with defaults, and with types checked. */
export interface CheckedVariables {
  readonly given: Variables;
  readonly values: Variables;
}

/** Heap used by a plan per selection, measured and rounded up. */
const PLANNED_SELECTION_BYTES = 1_000;
/** Heap of what reads one variable, measured and rounded up. */
const VARIABLE_BYTES = 500;

/** The maximum memory that the plans of an operation retain. */
export function planBytes({ operation, selectionCount, conditions }: PreparedOperation): number {
  const readerBytes = (operation.variableDefinitions?.length ?? 0) * VARIABLE_BYTES;
  if (selectionCount > MAX_PLANNED_SELECTIONS) return readerBytes;
  return readerBytes + selectionCount * PLANNED_SELECTION_BYTES * Math.min(2 ** conditions.length, MAX_PLANS);
}

/** An operation that was parsed, checked against limits and validated, with everything the later steps need. */
export class PreparedOperation {
  /** Names of the root fields; metrics use the first one. */
  readonly rootFields: readonly string[];
  /** The first introspection field; null if there is none. */
  readonly introspection: FieldNode | null;
  /** Variables of `@skip` and `@include`. */
  readonly conditions: readonly string[];
  private readonly readVariables: (given: Variables) => Variables | null;

  constructor(
    private readonly schema: GraphQLSchema,
    readonly document: DocumentNode,
    readonly operation: OperationDefinitionNode,
    /** As sent. */
    readonly operationName: string | undefined,
    /** The number of selections in the document, with fragments expanded. */
    readonly selectionCount: number,
    private readonly maxVariableValues: number,
  ) {
    this.rootFields = rootFieldsOf(document, operation.selectionSet, new Set());
    this.introspection = introspectionIn(document);
    this.conditions = conditionsOf(document);
    this.readVariables = createVariableReader(schema, operation.variableDefinitions ?? []);
  }

  get rootField(): string {
    return this.rootFields[0] ?? '?';
  }

  /** Checks the variables against their declarations; stops after a few errors. @throws RequestRefused with BAD_USER_INPUT */
  checkVariables(given: Variables | null | undefined): CheckedVariables {
    const sent = given ?? {};
    const definitions = this.operation.variableDefinitions ?? [];
    if (definitions.length === 0) return { given: sent, values: {} };
    if (hasMoreValues(sent, this.maxVariableValues)) {
      const tooMany = new GraphQLError(`The variables contain more than ${this.maxVariableValues} values.`);
      throw new RequestRefused([refusedWith('BAD_USER_INPUT', tooMany)]);
    }
    const read = this.readVariables(sent);
    if (read) return { given: sent, values: read };
    const { coerced, errors = [] } = getVariableValues(this.schema, definitions, sent, { maxErrors: MAX_ERRORS });
    if (coerced) return { given: sent, values: coerced };
    throw new RequestRefused(errors.map((error) => refusedWith('BAD_USER_INPUT', error)));
  }
}

/**
 * Whether a JSON value contains more than `limit` list items and object fields: checking their types takes microseconds for each. Stops at
 * the limit, and does not recurse.
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
