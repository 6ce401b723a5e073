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
  /** Added to those of the GraphQL specification. */
  readonly rules: readonly ValidationRule[];
  readonly limits: Pick<
    Limits,
    'queryTokensMaximumCount' | 'querySelectionsMaximumCount' | 'queryVariableValuesMaximumCount' | 'documentCacheBytes'
  >;
  /** Whether names of the schema may be suggested in errors. */
  readonly suggestions: boolean;
}

/**
 * Prepares operations, for HTTP and WebSocket alike, and keeps those that are valid: the same text always gets the same verdict.
 * What is kept is bounded in bytes, for anyone may send texts without end; what is refused is not kept.
 */
export class PreparedOperations {
  private readonly kept: LRUCache<string, PreparedOperation>;
  private readonly rules: readonly ValidationRule[];

  constructor(private readonly options: PrepareOptions) {
    this.rules = [...specifiedRules, ...options.rules];
    this.kept = new LRUCache({ maxSize: options.limits.documentCacheBytes });
  }

  /** Roughly how many bytes of heap the kept operations retain. */
  get keptBytes(): number {
    return this.kept.calculatedSize;
  }

  /**
   * Parses, bounds and validates a document, in this order, and picks one of its operations. `@throws` RequestRefused with
   * GRAPHQL_PARSE_FAILED, GRAPHQL_VALIDATION_FAILED or OPERATION_RESOLUTION_FAILURE.
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
      // Only where the limit of tokens was raised far: the stack is what bounds recursion then.
      throw error instanceof RangeError ? nestedTooDeep('GRAPHQL_PARSE_FAILED') : error;
    }
  }
}

/** No text that is kept begins with a NUL, so one pair of text and name never has the key of another. */
const keyOf = (text: string, operationName: string | null | undefined) =>
  operationName === undefined || operationName === null ? text : `\0${operationName.length}:${operationName}${text}`;

const nestedTooDeep = (code: string) =>
  new RequestRefused([refusedWith(code, new GraphQLError('The document is nested too deep.'))]);

function noSuchOperation(document: DocumentNode, operationName: string | null | undefined): GraphQLError {
  const count = document.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION).length;
  const isNamed = operationName !== undefined && operationName !== null;
  const message = isNamed
    ? 'The document has no operation of that name.'
    : `The document has ${count} operations: \`operationName\` must name one of them.`;
  return refusedWith('OPERATION_RESOLUTION_FAILURE', new GraphQLError(message));
}
