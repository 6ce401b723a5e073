import { GraphQLError } from 'graphql';
import { wordsOf } from './error-words.js';

/** GraphQL stops at this many errors of one request: whoever sends thousands learns nothing from the rest. */
export const MAX_ERRORS = 10;

/** A request that is refused before it runs, with one or more errors, each with its code. */
export class RequestRefused extends Error {
  override readonly name = 'RequestRefused';
  readonly errors: readonly GraphQLError[];

  constructor(errors: readonly GraphQLError[]) {
    super('the request was refused');
    this.errors = errors.slice(0, MAX_ERRORS);
  }
}

/** The errors of a refusal; any other error is thrown on. */
export function refusalOf(error: unknown): readonly GraphQLError[] {
  if (error instanceof RequestRefused) return error.errors;
  if (error instanceof GraphQLError) return [error];
  throw error;
}

/** The same error, without the values in its message, with a code and the status 400 over HTTP, unless it has a code of its own. */
export function refusedWith(code: string, error: GraphQLError): GraphQLError {
  const { nodes, source, positions, extensions } = error;
  return new GraphQLError(wordsOf(error), {
    nodes,
    source,
    positions,
    extensions: { code, http: { status: 400 }, ...extensions },
  });
}
