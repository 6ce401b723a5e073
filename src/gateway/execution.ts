import { type DocumentNode, type ExecutionResult, execute, GraphQLError, type GraphQLSchema } from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import { LRUCache } from 'lru-cache';
import type { Context } from '../resolvers/context.js';
import { createWholeOperations, type WholeOperation } from './whole-operations.js';

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

/** What was made of an operation that came a second time. */
interface Program {
  /** Null when it cannot be compiled. */
  readonly compiled: CompiledQuery | null;
  /** Null when no single statement answers it. */
  readonly whole: WholeOperation | null;
}

/**
 * Compiles an operation when it comes a second time, and runs it by plain GraphQL the first time: compiling is far dearer than
 * one execution, and a stranger could make up documents without end. Keyed by the parsed document, which the server keeps per
 * text, and the operation's name. What one statement can answer as a whole is not resolved field by field.
 */
export function createExecutor(
  schema: GraphQLSchema,
  cacheCount: number,
  onWholeFailed = (_error: unknown, _context: Context) => {},
): Executor {
  const keys = new WeakMap<DocumentNode, number>();
  const programs = new LRUCache<string, Program | typeof ONCE>({ max: cacheCount });
  const wholeOperation = createWholeOperations(schema);
  let lastKey = 0;

  const programOf = (document: DocumentNode, operationName: string | undefined): Program | undefined => {
    let key = keys.get(document);
    if (key === undefined) {
      key = ++lastKey;
      keys.set(document, key);
    }
    const entry = `${key} ${operationName ?? ''}`;
    const known = programs.get(entry);
    if (typeof known === 'object') return known;
    if (known === undefined) programs.set(entry, ONCE);
    if (known !== ONCE) return undefined;
    const compiled = compileQuery(schema, document, operationName);
    const program = { compiled: isCompiledQuery(compiled) ? compiled : null, whole: wholeOperation(document, operationName) };
    programs.set(entry, program);
    return program;
  };

  const resolve = (program: Program | undefined, operation: Operation) =>
    program?.compiled ? runCompiled(schema, program.compiled, operation) : runPlain(schema, operation);

  return (operation) => {
    const program = programOf(operation.document, operation.operationName ?? undefined);
    if (!program?.whole) return resolve(program, operation);
    // It only reads: when it fails, the way field by field says what is wrong, or succeeds.
    return program.whole(operation.context as Context, operation.variables ?? {}).then(
      (data) => (data ? { data: data as never } : resolve(program, operation)),
      (error: unknown) => {
        onWholeFailed(error, operation.context as Context);
        return resolve(program, operation);
      },
    );
  };
}

/** No promise when none is needed: most live events need none. */
function runCompiled(
  schema: GraphQLSchema,
  program: CompiledQuery,
  operation: Operation,
): Promise<ExecutionResult> | ExecutionResult {
  const result = program.query(operation.rootValue, operation.context, operation.variables ?? {});
  const complete = (found: ExecutionResult) => {
    if (!found.errors) return found;
    // Nothing has run: the variables were at fault, and the compiler's words name neither which nor why.
    if (found.data === undefined) return refuseVariables(runPlain(schema, operation));
    return { ...found, errors: found.errors.map(asPlainError) };
  };
  return 'then' in result ? result.then(complete) : complete(result);
}

const runPlain = (schema: GraphQLSchema, { document, operationName, variables, context, rootValue }: Operation) =>
  execute({ schema, document, operationName, variableValues: variables, contextValue: context, rootValue }) as
    | Promise<ExecutionResult>
    | ExecutionResult;

/** With the code and the status that Apollo gives such an error of its own. */
async function refuseVariables(refused: Promise<ExecutionResult> | ExecutionResult): Promise<ExecutionResult> {
  const { data, errors = [] } = await refused;
  if (data !== undefined) return { data, errors };
  const extensions = { code: 'BAD_USER_INPUT', http: { status: 400 } };
  return { errors: errors.map(({ message, nodes }) => new GraphQLError(message, { nodes, extensions })) };
}

/** The compiler's errors lack parts of GraphQL's. */
function asPlainError({ message, path, locations, originalError, extensions }: GraphQLError): GraphQLError {
  const plain = new GraphQLError(message, { path, originalError, extensions });
  return Object.defineProperty(plain, 'locations', { value: locations, enumerable: true });
}
