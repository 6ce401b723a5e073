import { createSourceEventStream, type ExecutionResult, GraphQLError, type GraphQLSchema } from 'graphql';
import type { Caller } from '../../services/caller.js';
import type { CheckedVariables, PreparedOperation, Variables } from '../graphql/prepared-operation.js';
import { EventFailed, PushedEvents, type PushedEventsOptions } from './subscription.js';

/** The content of a `subscribe` message. */
export interface LiveRequest {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: Variables | null;
  readonly extensions?: Record<string, unknown> | null;
}

/** An admitted operation, and what it runs with. */
export interface LiveOperation {
  readonly prepared: PreparedOperation;
  readonly variables: CheckedVariables;
}

/**
 * Runs the same pipeline as HTTP. Returns the operation, or the errors to respond with.
 */
export type PrepareOperation = (
  request: LiveRequest,
  caller: Caller,
  address: string,
) => Promise<LiveOperation | readonly GraphQLError[]>;

/** Runs an operation, or resolves an event of it. */
export type ExecuteOperation = (
  operation: LiveOperation,
  context: unknown,
  event?: unknown,
) => ExecutionResult | Promise<ExecutionResult>;

export interface OperationRunner {
  /** For queries and mutations. Never throws. */
  execute(): Promise<ExecutionResult>;
  /** For live operations. Each event gets its own context, because a reused loader would return stale rows. Never throws. */
  subscribe(): Promise<ExecutionResult | AsyncIterableIterator<ExecutionResult>>;
}

export interface OperationRunnerOptions {
  schema: GraphQLSchema;
  operation: LiveOperation;
  createContext(): unknown;
  execute: ExecuteOperation;
  executeEvent: ExecuteOperation;
  /** Sends an event of a live operation; returns a promise if the client must read first. */
  push: PushedEventsOptions['push'];
}

/** Runs one operation; after a defect, the operation gets an error and the socket stays open. */
export function operationRunner(options: OperationRunnerOptions): OperationRunner {
  const { schema, operation, createContext, push, execute, executeEvent } = options;
  const { prepared, variables } = operation;
  return {
    async execute() {
      try {
        return await execute(operation, createContext());
      } catch (error) {
        return { errors: [asGraphQLError(error)] };
      }
    },
    async subscribe() {
      try {
        const source = await createSourceEventStream({
          schema,
          document: prepared.document,
          operationName: prepared.operationName,
          variableValues: variables.given,
          contextValue: createContext(),
        });
        if (!(Symbol.asyncIterator in source)) return source;
        const resolve = (event: unknown) => executeEvent(operation, createContext(), event);
        return new PushedEvents(source[Symbol.asyncIterator](), { resolve, push });
      } catch (error) {
        return { errors: [asGraphQLError(error)] };
      }
    },
  };
}

/** The errors of an event stream, which graphql-ws has wrapped: graphql-js's errors, with their paths. */
export function streamErrors(error: GraphQLError): readonly GraphQLError[] {
  const { originalError } = error;
  if (originalError instanceof EventFailed && originalError.errors.length > 0) return originalError.errors;
  return !error.path && originalError instanceof GraphQLError ? streamErrors(originalError) : [error];
}

function asGraphQLError(error: unknown): GraphQLError {
  if (error instanceof GraphQLError) return error;
  const originalError = error instanceof Error ? error : new Error(String(error));
  return new GraphQLError(originalError.message, { originalError });
}
