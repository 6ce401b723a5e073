import { type ExecutionResult, execute, type GraphQLSchema } from 'graphql';
import type { Context } from '../../resolvers/context.js';
import { createFastPath } from './fast-path.js';
import type { PageLimits } from './page-size.js';
import type { CheckedVariables, PreparedOperation } from './prepared-operation.js';
import { RawJson } from './raw-json.js';
import { MAX_ERRORS } from './request-refused.js';
import type { SettledField } from './settled-field.js';

/** An admitted operation, and what it runs with. */
export interface OperationRun {
  readonly prepared: PreparedOperation;
  readonly variables: CheckedVariables;
  readonly context: Context;
  /** The event of a live operation, or the outcome of a mutation that has run. */
  readonly event?: unknown;
}

/** Runs an operation, or resolves one event of a live operation; synchronously if possible. */
export type Executor = (run: OperationRun) => Promise<ExecutionResult> | ExecutionResult;

/**
 * Executes with graphql-js, except for responses that can be written directly from rows. If that is impossible or fails, graphql-js
 * resolves the operation field by field and reports errors with their paths; a mutation that has run is not run again.
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

/** Executes with graphql-js only. It checks the original variables again, with the same result. */
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
