import {
  type ASTNode,
  BREAK,
  type DocumentNode,
  type FieldNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  parse,
  type SelectionSetNode,
  specifiedRules,
  type ValidationRule,
  validate,
  visit,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Limits } from '../../config/limits.js';
import { conditionsOf } from '../../resolvers/page-query/look-ahead.js';
import { OperationCosts, sizesKey } from './cost.js';
import { limitExpansion } from './document-expansion.js';
import { MAX_ERRORS, RequestRefused, refusedWith } from './errors.js';
import { createVariableReader } from './variable-reader.js';

/** Larger operations are not planned: a plan's memory grows with its selections. */
export const MAX_PLANNED_SELECTIONS = 500;
/** The maximum number of plans of one operation, for different values of its conditions. */
export const MAX_PLANS = 4;

/** Costs for more combinations of sizes are measured each time: clients may request any size. */
const MAX_KNOWN_COSTS = 32;

/** Heap used by one node and its location, measured with Node 24 and rounded up, as are the others. */
const NODE_BYTES = 250;
/** For the text, its source object and everything else kept once per document. */
const DOCUMENT_BYTES = 2_048;
const PLANNED_SELECTION_BYTES = 1_000;
const VARIABLE_BYTES = 500;

export type Variables = Readonly<Record<string, unknown>>;

/** Variables as sent, and as declared by the operation: with defaults, and with types checked. */
export interface CheckedVariables {
  readonly given: Variables;
  readonly values: Variables;
}

export interface PrepareOptions {
  readonly schema: GraphQLSchema;
  /** In addition to those of the GraphQL specification. */
  readonly rules: readonly ValidationRule[];
  readonly limits: Limits;
  /** Whether errors may suggest schema names. */
  readonly suggestions: boolean;
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
  /** Variables that affect the cost; null until it was measured. */
  private sizeVariables: readonly string[] | null = null;
  private readonly knownCosts = new Map<string, number>();

  constructor(
    private readonly options: PrepareOptions,
    private readonly costs: OperationCosts,
    readonly document: DocumentNode,
    readonly operation: OperationDefinitionNode,
    /** As sent. */
    readonly operationName: string | undefined,
    /** The number of selections in the document, with fragments expanded. */
    readonly selectionCount: number,
  ) {
    this.rootFields = rootFieldsOf(document, operation.selectionSet, new Set());
    this.introspection = introspectionIn(document);
    this.conditions = conditionsOf(document);
    this.readVariables = createVariableReader(options.schema, operation.variableDefinitions ?? []);
  }

  get rootField(): string {
    return this.rootFields[0] ?? '?';
  }

  /** What it may cost with these variables: measured once for all with the same sizes in them. */
  cost(variables: Variables): number {
    const known = this.sizeVariables && this.knownCosts.get(sizesKey(this.sizeVariables, variables));
    if (known !== null && known !== undefined) return known;
    const { cost, sizeVariables } = this.costs.measure(this.document, this.operation, variables);
    this.sizeVariables = sizeVariables;
    if (this.knownCosts.size < MAX_KNOWN_COSTS) this.knownCosts.set(sizesKey(sizeVariables, variables), cost);
    return cost;
  }

  costWithoutIntrospection(variables: Variables): number {
    return this.costs.withoutIntrospection(this.document, this.operation, variables);
  }

  /** Checks the variables against their declarations; stops after a few errors. @throws RequestRefused with BAD_USER_INPUT */
  checkVariables(given: Variables | null | undefined): CheckedVariables {
    const sent = given ?? {};
    const definitions = this.operation.variableDefinitions ?? [];
    if (definitions.length === 0) return { given: sent, values: {} };
    const { schema, limits } = this.options;
    const maxValues = limits.queryVariableValuesMaximumCount;
    if (hasMoreValues(sent, maxValues)) {
      const tooMany = new GraphQLError(`The variables contain more than ${maxValues} values.`);
      throw new RequestRefused([refusedWith('BAD_USER_INPUT', tooMany)]);
    }
    const read = this.readVariables(sent);
    if (read) return { given: sent, values: read };
    const { coerced, errors = [] } = getVariableValues(schema, definitions, sent, { maxErrors: MAX_ERRORS });
    if (coerced) return { given: sent, values: coerced };
    throw new RequestRefused(errors.map((error) => refusedWith('BAD_USER_INPUT', error)));
  }
}

/**
 * Prepares operations for HTTP and WebSocket, and caches the valid ones: the result depends only on the text. The cache is limited in
 * bytes, because clients may send any number of texts; rejected ones are not cached.
 */
export class PreparedOperations {
  private readonly kept: LRUCache<string, PreparedOperation>;
  private readonly rules: readonly ValidationRule[];
  private readonly costs: OperationCosts;

  constructor(private readonly options: PrepareOptions) {
    this.costs = new OperationCosts(options.schema, options.limits);
    this.rules = [...specifiedRules, ...options.rules];
    this.kept = new LRUCache({ maxSize: options.limits.documentCacheBytes });
  }

  /** Roughly how many bytes of heap the cached operations retain. */
  get keptBytes(): number {
    return this.kept.calculatedSize;
  }

  /**
   * Parses a document, checks its limits and validates it, in this order, and selects one of its operations.
   *
   * @throws RequestRefused with GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED or OPERATION_RESOLUTION_FAILURE
   */
  prepare(text: string, operationName?: string | null): PreparedOperation {
    const key = keyOf(text, operationName);
    const known = this.kept.get(key);
    if (known) return known;
    const { document, selectionCount } = this.accept(text);
    const operation = getOperationAST(document, operationName);
    if (!operation) throw new RequestRefused([noSuchOperation(document, operationName)]);
    const named = operationName ?? undefined;
    const prepared = new PreparedOperation(this.options, this.costs, document, operation, named, selectionCount);
    this.kept.set(key, prepared, { size: compactDocument(document, text) + planBytes(prepared) });
    return prepared;
  }

  private accept(text: string): { document: DocumentNode; selectionCount: number } {
    const { schema, limits, suggestions } = this.options;
    const document = this.parse(text);
    try {
      const selectionCount = limitExpansion(document, limits.querySelectionsMaximumCount);
      const errors = validate(schema, document, this.rules, { maxErrors: MAX_ERRORS, hideSuggestions: !suggestions });
      if (errors.length === 0) return { document, selectionCount };
      throw new RequestRefused(errors.map((error) => refusedWith('GRAPHQL_VALIDATION_FAILED', error)));
    } catch (error) {
      if (error instanceof GraphQLError) throw new RequestRefused([error]);
      throw error instanceof RangeError ? nestedTooDeep('GRAPHQL_VALIDATION_FAILED') : error;
    }
  }

  private parse(text: string): DocumentNode {
    try {
      return parse(text, { maxTokens: this.options.limits.queryTokensMaximumCount });
    } catch (error) {
      if (error instanceof GraphQLError) throw new RequestRefused([refusedWith('GRAPHQL_PARSE_FAILED', error)]);
      // Only if the token limit was raised a lot: then the stack limits recursion.
      throw error instanceof RangeError ? nestedTooDeep('GRAPHQL_PARSE_FAILED') : error;
    }
  }
}

/** No cached text starts with a NUL, so different pairs of text and name have different keys. */
const keyOf = (text: string, operationName: string | null | undefined) =>
  operationName === undefined || operationName === null ? text : `\0${operationName.length}:${operationName}${text}`;

const nestedTooDeep = (code: string) =>
  new RequestRefused([refusedWith(code, new GraphQLError('The document is nested too deeply.'))]);

function noSuchOperation(document: DocumentNode, operationName: string | null | undefined): GraphQLError {
  const count = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION).length;
  const isNamed = operationName !== undefined && operationName !== null;
  const message = isNamed
    ? 'The document has no operation with that name.'
    : `The document has ${count} operations: \`operationName\` must name one of them.`;
  return refusedWith('OPERATION_RESOLUTION_FAILURE', new GraphQLError(message));
}

/**
 * Drops the tokens that the parser attaches to each node: nothing reads them after validation, and they are half of a document's heap.
 * Errors keep their line and column. Returns roughly how many bytes of heap the document then retains.
 */
function compactDocument(document: DocumentNode, text: string): number {
  let nodes = 0;
  const compact = (node: ASTNode) => {
    nodes += 1;
    if (node.loc) Object.assign(node.loc, { startToken: undefined, endToken: undefined });
    for (const value of Object.values(node) as unknown[]) {
      if (Array.isArray(value)) for (const item of value) compact(item as ASTNode);
      else if (isNode(value)) compact(value);
    }
  };
  compact(document);
  // The text is both the key and the source, and its characters may take two bytes each.
  return DOCUMENT_BYTES + 4 * text.length + nodes * NODE_BYTES;
}

const isNode = (value: unknown): value is ASTNode => typeof value === 'object' && value !== null && 'kind' in value;

/** The maximum memory that the plans of an operation retain. */
function planBytes({ operation, selectionCount, conditions }: PreparedOperation): number {
  const readerBytes = (operation.variableDefinitions?.length ?? 0) * VARIABLE_BYTES;
  if (selectionCount > MAX_PLANNED_SELECTIONS) return readerBytes;
  return readerBytes + selectionCount * PLANNED_SELECTION_BYTES * Math.min(2 ** conditions.length, MAX_PLANS);
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

/** The names of the root fields. A repeated fragment adds its fields once: GraphQL merges them. */
function rootFieldsOf(document: DocumentNode, selectionSet: SelectionSetNode, seen: Set<string>): string[] {
  return selectionSet.selections.flatMap((selection) => {
    if (selection.kind === Kind.FIELD) return [selection.name.value];
    if (selection.kind === Kind.INLINE_FRAGMENT) return rootFieldsOf(document, selection.selectionSet, seen);
    const name = selection.name.value;
    if (seen.has(name)) return [];
    seen.add(name);
    const fragment = document.definitions.find((node) => node.kind === Kind.FRAGMENT_DEFINITION && node.name.value === name);
    return fragment?.kind === Kind.FRAGMENT_DEFINITION ? rootFieldsOf(document, fragment.selectionSet, seen) : [];
  });
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
