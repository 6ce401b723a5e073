import type { GraphQLField, GraphQLObjectType, GraphQLSchema } from 'graphql';
import type { Context } from '../../resolvers/context.js';
import { accountType } from '../../resolvers/page-query/account-json.js';
import { planAccountPage } from '../../resolvers/page-query/account-page.js';
import { lookAhead } from '../../resolvers/page-query/look-ahead.js';
import type { Selected } from '../../resolvers/page-query/selection.js';
import type { AccountPage } from '../../services/accounts/account-page.js';
import { InvalidArgument } from '../../services/errors.js';
import type { OperationRun } from './execute.js';
import { maxBytes, type PageLimits } from './page-size.js';
import { MAX_PLANNED_SELECTIONS, MAX_PLANS, type PreparedOperation, type Variables } from './prepared-operation.js';
import { RawJson } from './raw-json.js';
import { allowedRoles } from './roles.js';
import { joined, rootFieldWriter, valueWriter, type WriteValue } from './row-writer.js';
import { SettledField } from './settled-field.js';

/**
 * The response's data as text. Null if the operation must be resolved field by field; a SettledField if a mutation has run and its
 * payload must be completed field by field.
 */
type Written = RawJson | SettledField | null;
export type FastPath = (run: OperationRun) => Promise<Written> | Written;

type Roots = Promise<string> | string;
type WriteRoots = (run: OperationRun) => Roots;
type WriteMutation = (run: OperationRun) => Promise<Written> | Written;

/** How to respond to an operation, for one combination of its `@skip` and `@include` values. At most one writer is set. */
interface Plan {
  readonly page: AccountPage | null;
  /** The maximum size of the page, in bytes. */
  readonly pageBytes: (variables: Variables) => number;
  readonly rows: WriteRoots | null;
  readonly mutation: WriteMutation | null;
}

const NO_PLAN: Plan = { page: null, pageBytes: () => 0, rows: null, mutation: null };

interface SeenOperation {
  timesSeen: number;
  /** By the values of the variables that decide what is selected. */
  readonly plans: Map<string, Plan>;
}

/** Writes viewers' pages with one SQL statement, and operations that select only rows' fields directly from the rows. */
export function createFastPath(schema: GraphQLSchema, limits: PageLimits): FastPath {
  const root = schema.getQueryType() as GraphQLObjectType;
  const roles = allowedRoles(schema, schema.getQueryType()?.getFields().me as object) ?? [];
  const known = new WeakMap<PreparedOperation, SeenOperation>();
  const account = accountType(schema);

  const planFor = (prepared: PreparedOperation, variables: Variables): Plan => {
    const selection = lookAhead(schema, prepared.document, prepared.operation, variables);
    if (!selection) return NO_PLAN;
    if (prepared.operation.operation === 'mutation') return { ...NO_PLAN, mutation: mutationWriter(schema, selection) };
    const page = isAccountPage(prepared) ? planAccountPage(account, selection) : null;
    const hasVariables = (prepared.operation.variableDefinitions ?? []).length > 0;
    const fixedBytes = page && !hasVariables ? maxBytes(root, selection, {}, limits) : null;
    const pageBytes = (given: Variables) => fixedBytes ?? maxBytes(root, selection, given, limits);
    return { ...NO_PLAN, page, pageBytes, rows: page ? null : rootsWriter(schema, prepared, selection) };
  };

  /** Null on an operation's first use: planning costs more than one execution, and a client may send any number of new operations. */
  const planOf = (prepared: PreparedOperation, variables: Variables): Plan | null => {
    if (prepared.selectionCount > MAX_PLANNED_SELECTIONS) return null;
    const entry = known.get(prepared) ?? { timesSeen: 0, plans: new Map() };
    if (entry.timesSeen === 0) known.set(prepared, entry);
    entry.timesSeen += 1;
    if (entry.timesSeen === 1) return null;
    const key = prepared.conditions.map((name) => variables[name] === true).join();
    const planned = entry.plans.get(key);
    if (planned) return planned;
    if (entry.plans.size >= MAX_PLANS) return null;
    const plan = planFor(prepared, variables);
    entry.plans.set(key, plan);
    return plan;
  };

  return (run) => {
    const { prepared, variables, context } = run;
    const { caller, services } = context;
    const plan = planOf(prepared, variables.values);
    if (plan?.rows) return writeRows(plan.rows, run);
    if (plan?.mutation) return plan.mutation(run);
    if (!plan?.page || caller.userId === null || !roles.includes(caller.role)) return null;
    if (plan.pageBytes(variables.values) > limits.responseBytes) return null;
    return writePage(services.accounts.accountPage(plan.page, caller.userId, variables.values));
  };
}

const isAccountPage = ({ rootFields }: PreparedOperation) =>
  rootFields.includes('me') && rootFields.every((name) => name === 'me' || name === '__typename');

async function writePage(text: Promise<string>): Promise<RawJson | null> {
  try {
    return new RawJson(await text);
  } catch (error) {
    if (error instanceof InvalidArgument) return null;
    throw error;
  }
}

/** Null if anything throws: graphql-js then runs into the same error and reports it with its path. */
function writeRows(write: WriteRoots, run: OperationRun): Promise<RawJson | null> | RawJson | null {
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
}

/** Null if the response needs more than rows. */
function rootsWriter(schema: GraphQLSchema, { operation }: PreparedOperation, selection: readonly Selected[]): WriteRoots | null {
  const root = schema.getRootType(operation.operation) as GraphQLObjectType<unknown, Context>;
  return operation.operation === 'query' ? queryWriter(root, selection) : eventWriter(root, selection);
}

/** Calls the resolver of each root field once, all before awaiting the first, as graphql-js does. */
function queryWriter(root: GraphQLObjectType<unknown, Context>, selection: readonly Selected[]): WriteRoots | null {
  const writers: ((run: OperationRun) => Roots)[] = [];
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

/** Null for a mutation of several fields: each must wait until the previous one's payload is complete. */
function mutationWriter(schema: GraphQLSchema, [selected, ...others]: readonly Selected[]): WriteMutation | null {
  const definition = selected && schema.getMutationType()?.getFields()[selected.field];
  const { resolve, type } = definition ?? {};
  const write = selected && type && others.length === 0 ? valueWriter(type, selected.selection) : null;
  if (!selected || !resolve || !write) return null;
  const open = `{"${selected.key}":`;
  return (run) => {
    const given = argumentsOrNull(selected, run);
    return (
      given && writeMutation({ resolve: () => resolve(undefined, given, run.context, undefined as never), write, open, run })
    );
  };
}

/** Null for arguments that graphql-js rejects. */
function argumentsOrNull({ argumentsOf }: Selected, { variables }: OperationRun) {
  try {
    return argumentsOf(variables.values);
  } catch {
    return null;
  }
}

interface MutationRun {
  readonly resolve: () => unknown;
  readonly write: WriteValue;
  readonly open: string;
  readonly run: OperationRun;
}

async function writeMutation({ resolve, write, open, run }: MutationRun): Promise<RawJson | SettledField> {
  const settled = await SettledField.of(resolve);
  try {
    return new RawJson(`${open}${await write(settled.result(), run.context)}}`);
  } catch {
    return settled;
  }
}

/** A live field's value for an event is the event itself. */
function eventWriter(root: GraphQLObjectType, [selected]: readonly Selected[]): WriteRoots | null {
  const definition = selected && root.getFields()[selected.field];
  const write: WriteValue | null = definition ? valueWriter(definition.type, selected.selection) : null;
  if (!selected || !write) return null;
  const open = `{"${selected.key}":`;
  return ({ event, context }) => {
    const text = write(event, context);
    return typeof text === 'string' ? `${open}${text}}` : text.then((written) => `${open}${written}}`);
  };
}
