import { type ExecutionResult, execute, type GraphQLSchema } from 'graphql';
import type { Context } from '../../resolvers/context.js';
import { createFastPath } from './fast-path.js';
import type { PageLimits } from './page-size.js';
import type { CheckedVariables, PreparedOperation } from './prepared-operation.js';
import { RawJson } from './raw-json.js';
import { MAX_ERRORS } from './request-refused.js';
import type { SettledField } from './settled-field.js';

/** An operation that was admitted, and what it runs with. */
export interface OperationRun {
  readonly prepared: PreparedOperation;
  readonly variables: CheckedVariables;
  readonly context: Context;
  /** The event, for a live operation; the outcome of a mutation that has run. */
  readonly event?: unknown;
}

/** Runs an operation, or resolves one event of a live operation: without a promise where none is needed. */
export type Executor = (run: OperationRun) => Promise<ExecutionResult> | ExecutionResult;

/**
 * Executes by graphql-js, but for answers that can be written straight from rows. Where one cannot be written, or fails, graphql-js
 * resolves the operation field by field and finds the errors and their paths; a mutation that has run is not run again.
 */
export function createExecutor(
  schema: GraphQLSchema,
  limits: PageLimits,
  onFastPathFailed = (_error: unknown, _context: Context) => {},
): Executor {
  const fastPath = createFastPath(schema, limits);
  return (run) => {
    const complete = (written: RawJson | SettledField | null) => {
      if (written instanceof RawJson) return { data: written as never };
      return executePlain(schema, written ? { ...run, event: written } : run);
    };
    const fail = (error: unknown) => {
      onFastPathFailed(error, run.context);
      return executePlain(schema, run);
    };
    try {
      const written = fastPath(run);
      return written instanceof Promise ? written.then(complete, fail) : complete(written);
    } catch (error) {
      return fail(error);
    }
  };
}

/** graphql-js alone. It checks the variables as they were given once more, to the same end. */
export function executePlain(
  schema: GraphQLSchema,
  { prepared, variables, context, event }: OperationRun,
): Promise<ExecutionResult> | ExecutionResult {
  return execute({
    schema,
    document: prepared.document,
    operationName: prepared.operationName,
    variableValues: variables.given,
    contextValue: context,
    rootValue: event,
    options: { maxCoercionErrors: MAX_ERRORS },
  }) as Promise<ExecutionResult> | ExecutionResult;
}
