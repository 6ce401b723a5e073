import {
  createSourceEventStream,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  execute,
  GraphQLError,
  type GraphQLSchema,
  parse,
  specifiedRules,
  type ValidationRule,
  validate,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import type { Caller } from '../services/caller.js';
import { PushedEvents, type PushedEventsOptions } from './pushed-events.js';

/** What a client sent in a `subscribe` message. */
export interface LiveRequest {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: Record<string, unknown> | null;
  readonly extensions?: Record<string, unknown> | null;
}

/**
 * Decides whether a request may run, by the same rules as over HTTP: parses and validates it, counts its cost, its rate.
 * Gives back the document, or the errors that answer the request.
 */
export type PrepareOperation = (
  request: LiveRequest,
  caller: Caller,
  address: string,
) => Promise<DocumentNode | readonly GraphQLError[]>;

export type ExecuteOperation = (args: ExecutionArgs) => ExecutionResult | Promise<ExecutionResult>;

/** Prepares by rules alone; documents that passed are kept by their text. */
export function prepareByRules(options: {
  schema: GraphQLSchema;
  /** Added to those of the GraphQL specification. */
  validationRules: readonly ValidationRule[];
  largestTokenCount: number;
  cacheCount: number;
}): PrepareOperation {
  const rules = [...specifiedRules, ...options.validationRules];
  const passed = new LRUCache<string, DocumentNode>({ max: options.cacheCount });
  return async ({ query }) => {
    const known = passed.get(query);
    if (known) return known;
    let document: DocumentNode;
    try {
      document = parse(query, { maxTokens: options.largestTokenCount });
    } catch (error) {
      if (error instanceof GraphQLError) return [coded(error, 'GRAPHQL_PARSE_FAILED')];
      throw error;
    }
    const errors = validate(options.schema, document, rules);
    if (errors.length > 0) return errors.map((error) => coded(error, 'GRAPHQL_VALIDATION_FAILED'));
    passed.set(query, document);
    return document;
  };
}

/** The same error with a code, unless it has one of its own. */
function coded(error: GraphQLError, code: string): GraphQLError {
  return new GraphQLError(error.message, {
    nodes: error.nodes,
    source: error.source,
    positions: error.positions,
    extensions: { code, ...error.extensions },
  });
}

export interface OperationRunner {
  /** For queries and mutations. Never throws. */
  execute(args: ExecutionArgs): Promise<ExecutionResult>;
  /** For live operations: each event gets a context of its own, for a loader that is kept serves stale rows. Never throws. */
  subscribe(args: ExecutionArgs): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult>>;
}

export interface OperationRunnerOptions {
  createContext(): unknown;
  execute?: ExecuteOperation;
  executeEvent?: ExecuteOperation;
  /** Sends an event of a live operation; gives back a promise when the client must read first. */
  push: PushedEventsOptions['push'];
}

/** Runs one operation; a defect answers the operation and leaves the socket open. */
export function operationRunner(options: OperationRunnerOptions): OperationRunner {
  const { createContext, push, execute: run = execute, executeEvent = execute } = options;
  return {
    async execute(args) {
      try {
        return await run({ ...args, contextValue: createContext() });
      } catch (error) {
        return { errors: [asGraphQLError(error)] };
      }
    },
    async subscribe(args) {
      try {
        const source = await createSourceEventStream({ ...args, contextValue: createContext() });
        if (!(Symbol.asyncIterator in source)) return source;
        const resolve = (rootValue: unknown) => executeEvent({ ...args, rootValue, contextValue: createContext() });
        return new PushedEvents(source[Symbol.asyncIterator](), { resolve, push });
      } catch (error) {
        return { errors: [asGraphQLError(error)] };
      }
    },
  };
}

/** graphql-ws wraps what an event stream throws; the error inside knows its code. */
export function innermost(error: GraphQLError): GraphQLError {
  let inner = error;
  while (inner.originalError instanceof GraphQLError) inner = inner.originalError;
  return inner;
}

function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(originalError.message, { originalError });
}
