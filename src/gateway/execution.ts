import { type DocumentNode, type ExecutionResult, execute, GraphQLError, type GraphQLSchema } from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import { LRUCache } from 'lru-cache';

export interface Operation {
  readonly document: DocumentNode;
  readonly operationName: string | null | undefined;
  readonly variables: Readonly<Record<string, unknown>> | null | undefined;
  readonly context: unknown;
  /** The event, for a live operation. */
  readonly rootValue?: unknown;
}

/** Runs queries and mutations that were parsed and validated. */
export type Executor = (operation: Operation) => Promise<ExecutionResult> | ExecutionResult;

const ONCE = 'seen once';

/**
 * Compiles an operation when it comes a second time, and runs it by plain GraphQL the first time: compiling is far dearer than
 * one execution, and a stranger could make up documents without end. Keyed by the parsed document, which the server keeps per
 * text, and the operation's name.
 */
export function createExecutor(schema: GraphQLSchema, cacheCount: number): Executor {
  const keys = new WeakMap<DocumentNode, number>();
  const compiled = new LRUCache<string, CompiledQuery | typeof ONCE | 'not compilable'>({ max: cacheCount });
  let lastKey = 0;

  const programOf = (document: DocumentNode, operationName: string | undefined): CompiledQuery | undefined => {
    let key = keys.get(document);
    if (key === undefined) {
      key = ++lastKey;
      keys.set(document, key);
    }
    const entry = `${key} ${operationName ?? ''}`;
    const known = compiled.get(entry);
    if (typeof known === 'object') return known;
    if (known === undefined) compiled.set(entry, ONCE);
    if (known !== ONCE) return undefined;
    const program = compileQuery(schema, document, operationName);
    compiled.set(entry, isCompiledQuery(program) ? program : 'not compilable');
    return isCompiledQuery(program) ? program : undefined;
  };

  return ({ document, operationName, variables, context, rootValue }) => {
    const program = programOf(document, operationName ?? undefined);
    if (program) return runCompiled(program, rootValue, context, variables ?? {});
    return execute({
      schema,
      document,
      operationName,
      variableValues: variables,
      contextValue: context,
      rootValue,
    }) as Promise<ExecutionResult>;
  };
}

async function runCompiled(
  program: CompiledQuery,
  rootValue: unknown,
  context: unknown,
  variables: object,
): Promise<ExecutionResult> {
  const result = await program.query(rootValue, context, variables);
  return result.errors
    ? { ...result, errors: result.errors.map((error) => asPlainError(error, result.data === undefined)) }
    : result;
}

/** The compiler's errors lack parts of GraphQL's. Without data, nothing has run: the variables were at fault. */
function asPlainError(error: GraphQLError, isAboutVariables: boolean): GraphQLError {
  const { message, path, locations, originalError } = error;
  const extensions = isAboutVariables ? { code: 'BAD_USER_INPUT', http: { status: 400 } } : error.extensions;
  const plain = new GraphQLError(message, { path, originalError, extensions });
  return Object.defineProperty(plain, 'locations', { value: locations, enumerable: true });
}
