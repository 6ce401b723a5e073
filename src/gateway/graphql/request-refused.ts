import { GraphQLError } from 'graphql';
import { wordsOf } from './error-words.js';

/** The maximum number of errors per request: more would not help a client that sends thousands. */
export const MAX_ERRORS = 10;

/** A request that is rejected before execution, with one or more errors, each with a code. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super('the request was refused');
    this.errors = errors.slice(0, MAX_ERRORS);
  }
}

/** The errors of a rejected request; rethrows any other error. */
export function refusalOf(error: unknown): readonly GraphQLError[] {
  if (error instanceof RequestRefused) return error.errors;
  if (error instanceof GraphQLError) return [error];
  throw error;
}

/** The error without values in its message, with a code and the HTTP status 400 unless it already has a code. */
export function refusedWith(code: string, error: GraphQLError): GraphQLError {
  const { nodes, source, positions, extensions } = error;
  return new GraphQLError(wordsOf(error), {
    nodes,
    source,
    positions,
    extensions: { code, http: { status: 400 }, ...extensions },
  });
}
