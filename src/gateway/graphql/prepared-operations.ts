import {
  type DocumentNode,
  GraphQLError,
  type GraphQLSchema,
  getOperationAST,
  Kind,
  parse,
  specifiedRules,
  type ValidationRule,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Limits } from '../../config/limits.js';
import { limitExpansion } from './document-expansion.js';
import { compactDocument } from './document-memory.js';
import { PreparedOperation, planBytes } from './prepared-operation.js';
import { MAX_ERRORS, RequestRefused, refusedWith } from './request-refused.js';

export interface PrepareOptions {
  readonly schema: GraphQLSchema;
  /** In addition to those of the GraphQL specification. */
  readonly rules: readonly ValidationRule[];
  readonly limits: Pick<
    Limits,
    'queryTokensMaximumCount' | 'querySelectionsMaximumCount' | 'queryVariableValuesMaximumCount' | 'documentCacheBytes'
  >;
  /** Whether errors may suggest schema names. */
  readonly suggestions: boolean;
}

/**
 * Prepares operations for HTTP and WebSocket, and caches the valid ones: the result depends only on the text. The cache is limited in
 * bytes, because clients may send any number of texts; rejected ones are not cached.
 */
export class PreparedOperations {
  private readonly kept: LRUCache<string, PreparedOperation>;
  private readonly rules: readonly ValidationRule[];

  constructor(private readonly options: PrepareOptions) {
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
    const { schema, limits } = this.options;
    const maxValues = limits.queryVariableValuesMaximumCount;
    const name = operationName ?? undefined;
    const prepared = new PreparedOperation(schema, document, operation, name, selectionCount, maxValues);
    const bytes = compactDocument(document, text) + planBytes(prepared);
    this.kept.set(key, prepared, { size: bytes });
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
