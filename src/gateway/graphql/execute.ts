import { type ExecutionResult, execute, type GraphQLField, type GraphQLObjectType, type GraphQLSchema } from 'graphql';
import type { Context } from '../../resolvers/context.js';
import { accountType, planAccountPage } from '../../resolvers/page-query/account-page.js';
import { lookAhead, type Selected } from '../../resolvers/page-query/look-ahead.js';
import type { AccountPage } from '../../services/accounts/accounts.js';
import { InvalidArgument } from '../../services/errors.js';
import { MAX_ERRORS } from './errors.js';
import {
  type CheckedVariables,
  MAX_PLANNED_SELECTIONS,
  MAX_PLANS,
  type PreparedOperation,
  type Variables,
} from './prepared-operations.js';
import { limitResponse, maxPageBytes, RawJson, type ResponseLimits } from './response.js';
import { allowedRoles } from './roles.js';
import { joined, rootFieldWriter, type Text, valueWriter } from './row-writer.js';

/** An admitted operation, and what it runs with. */
export interface OperationRun {
  readonly prepared: PreparedOperation;
  readonly variables: CheckedVariables;
  readonly context: Context;
  /** The event of a live operation. */
  readonly event?: unknown;
}

/** Runs an operation, or resolves one event of a live operation; synchronously if possible. */
export type Executor = (run: OperationRun) => Promise<ExecutionResult> | ExecutionResult;

/** The response's data as text; null if the operation must be resolved field by field. */
type Written = RawJson | null;
type Write = (run: OperationRun) => Promise<Written> | Written;

/**
 * Executes with graphql-js, except for responses that can be written directly from rows. If that is impossible or fails, graphql-js
 * resolves the operation field by field and reports errors with their paths. Mutations always run this way. Responses larger than
 * `limits.responseBytes` are replaced by an error.
 */
export function createExecutor(
  schema: GraphQLSchema,
  limits: ResponseLimits,
  onFastPathFailed = (_error: unknown, _context: Context) => {},
): Executor {
  const fastPath = createFastPath(schema, limits);
  const limited = (result: ExecutionResult) => limitResponse(result, limits.responseBytes);
  const fieldByField: Executor = (run) => {
    const result = executePlain(schema, run);
    return result instanceof Promise ? result.then(limited) : limited(result);
  };
  return (run) => {
    const complete = (written: Written) => (written ? limited({ data: written as never }) : fieldByField(run));
    const fail = (error: unknown) => {
      onFastPathFailed(error, run.context);
      return fieldByField(run);
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

interface SeenOperation {
  timesSeen: number;
  /** By the values of the variables that decide what is selected. */
  readonly plans: Map<string, Write>;
}

const unplanned: Write = () => null;

/** Writes viewers' pages with one SQL statement, and operations that select only rows' fields directly from the rows. */
function createFastPath(schema: GraphQLSchema, limits: ResponseLimits): Write {
  const known = new WeakMap<PreparedOperation, SeenOperation>();
  const writePage = pageWriter(schema, limits);

  const planFor = (prepared: PreparedOperation, variables: Variables): Write => {
    const { operation } = prepared.operation;
    const selection = operation === 'mutation' ? null : lookAhead(schema, prepared.document, prepared.operation, variables);
    if (!selection) return unplanned;
    const root = schema.getRootType(operation) as GraphQLObjectType<unknown, Context>;
    const roots = operation === 'query' ? queryWriter(root, selection) : eventWriter(root, selection);
    return writePage(prepared, selection) ?? (roots ? rowsWriter(roots) : unplanned);
  };

  /** On an operation's first use, planning costs more than one execution, and a client may send any number of new operations. */
  const planOf = (prepared: PreparedOperation, variables: Variables): Write => {
    if (prepared.selectionCount > MAX_PLANNED_SELECTIONS) return unplanned;
    const entry = known.get(prepared) ?? { timesSeen: 0, plans: new Map() };
    if (entry.timesSeen === 0) known.set(prepared, entry);
    entry.timesSeen += 1;
    if (entry.timesSeen === 1) return unplanned;
    const key = prepared.conditions.map((name) => variables[name] === true).join();
    const planned = entry.plans.get(key);
    if (planned) return planned;
    if (entry.plans.size >= MAX_PLANS) return unplanned;
    const plan = planFor(prepared, variables);
    entry.plans.set(key, plan);
    return plan;
  };

  return (run) => planOf(run.prepared, run.variables.values)(run);
}

const isAccountPage = ({ rootFields }: PreparedOperation) =>
  rootFields.includes('me') && rootFields.every((name) => name === 'me' || name === '__typename');

/** Plans the one statement of a page of the caller's account. Null for an operation that one statement cannot answer. */
function pageWriter(schema: GraphQLSchema, limits: ResponseLimits) {
  const root = schema.getQueryType() as GraphQLObjectType;
  const roles = allowedRoles(schema, root.getFields().me as object) ?? [];
  const account = accountType(schema);
  return (prepared: PreparedOperation, selection: readonly Selected[]): Write | null => {
    const page = isAccountPage(prepared) ? planAccountPage(account, selection) : null;
    if (!page) return null;
    const isFixed = (prepared.operation.variableDefinitions ?? []).length === 0;
    const fixedBytes = isFixed ? maxPageBytes(root, selection, {}, limits) : null;
    return (run) => {
      const { userId, role } = run.context.caller;
      const { values } = run.variables;
      if (userId === null || !roles.includes(role)) return null;
      if ((fixedBytes ?? maxPageBytes(root, selection, values, limits)) > limits.responseBytes) return null;
      return readPage(run, page, userId);
    };
  };
}

/** Null for invalid arguments: graphql-js reports them with their path. */
async function readPage({ context, variables }: OperationRun, page: AccountPage, userId: string): Promise<RawJson | null> {
  try {
    return new RawJson(await context.services.accounts.accountPage(page, userId, variables.values));
  } catch (error) {
    if (error instanceof InvalidArgument) return null;
    throw error;
  }
}

type WriteRoots = (run: OperationRun) => Text;

/** Null if anything throws: graphql-js then runs into the same error and reports it with its path. */
const rowsWriter =
  (write: WriteRoots): Write =>
  (run) => {
    try {
      const text = write(run);
      if (typeof text === 'string') return new RawJson(text);
      return text.then(
        (written) => new RawJson(written),
        () => null,
      );
    } catch {
      return null;
    }
  };

/** Calls the resolver of each root field once, all before awaiting the first, as graphql-js does. Null if it needs more than rows. */
function queryWriter(root: GraphQLObjectType<unknown, Context>, selection: readonly Selected[]): WriteRoots | null {
  const writers: WriteRoots[] = [];
  for (const selected of selection) {
    if (selected.field === '__typename') {
      writers.push(() => `"${root.name}"`);
      continue;
    }
    const definition = root.getFields()[selected.field] as GraphQLField<unknown, Context> | undefined;
    const make = definition && rootFieldWriter(definition, selected.selection);
    if (!make) return null;
    writers.push(({ variables, context }) => make(selected.argumentsOf(variables.values), context));
  }
  const keys = selection.map(({ key }) => `"${key}":`);
  return (run) => joined('{', '}', writers.length, (index) => (writers[index] as WriteRoots)(run), keys);
}

/** A live field's value for an event is the event itself. */
function eventWriter(root: GraphQLObjectType, [selected]: readonly Selected[]): WriteRoots | null {
  const definition = selected && root.getFields()[selected.field];
  const write = definition ? valueWriter(definition.type, selected.selection) : null;
  if (!selected || !write) return null;
  const open = `{"${selected.key}":`;
  return ({ event, context }) => {
    const text = write(event, context);
    return typeof text === 'string' ? `${open}${text}}` : text.then((written) => `${open}${written}}`);
  };
}
