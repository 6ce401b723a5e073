import type { ExecutionResult, GraphQLSchema } from 'graphql';
import { refusalOf } from '../../src/gateway/graphql/errors.js';
import type { Executor } from '../../src/gateway/graphql/execute.js';
import { PreparedOperations } from '../../src/gateway/graphql/prepared-operations.js';
import type { Context } from '../../src/resolvers/context.js';
import { defaultLimits } from '../support/catalogue-scene.js';

/** The defaults of what bounds an answer. */
export const pageLimits = { responseBytes: 4_194_304, descriptionMaximumCharacters: 5_000 };

export interface SentOperation {
  readonly query: string;
  readonly variables?: Record<string, unknown>;
  readonly context: Context;
}

/** Prepares with room for a megabyte of documents and without the guard's rules. */
export function preparedOperations(schema: GraphQLSchema, documentCacheBytes = 1_000_000): PreparedOperations {
  const limits = { ...defaultLimits, documentCacheBytes };
  return new PreparedOperations({ schema, rules: [], limits, suggestions: true });
}

/** Prepares, checks the variables and executes, as both transports do. */
export async function runPrepared(
  operations: PreparedOperations,
  execute: Executor,
  { query, variables = {}, context }: SentOperation,
): Promise<ExecutionResult> {
  try {
    const prepared = operations.prepare(query);
    return await execute({ prepared, variables: prepared.checkVariables(variables), context });
  } catch (error) {
    return { errors: refusalOf(error) };
  }
}
