import type { GraphQLSchema } from 'graphql';
import { lookAhead } from '../../resolvers/look-ahead.js';
import { type AccountPage, planAccountPage } from '../../services/history/account-page.js';
import { InvalidArgument } from '../../services/invalid-argument.js';
import { allowedRoles } from '../enforce-roles.js';
import type { OperationRun } from './execute.js';
import type { PreparedOperation } from './prepared-operation.js';
import { RawJson } from './raw-json.js';

/** Each is a prepared statement on every connection of the pool, kept until the process ends: callers must not make more. */
const MAX_PAGE_STATEMENTS = 200;

/** Writes the data of an answer as text; null when the operation is to be resolved field by field. */
export type FastPath = (run: OperationRun) => Promise<RawJson | null> | RawJson | null;

/** What the fast path knows of an operation. */
interface Plan {
  timesSeen: number;
  /** Undefined until the operation comes a second time: planning costs more than one execution. */
  page?: AccountPage | null;
}

/** Answers viewers' pages by one statement. */
export function createFastPath(schema: GraphQLSchema): FastPath {
  const roles = allowedRoles(schema, schema.getQueryType()?.getFields().me as object) ?? [];
  const plans = new WeakMap<PreparedOperation, Plan>();
  let pageCount = 0;

  const pageOf = (prepared: PreparedOperation): AccountPage | null => {
    const plan = plans.get(prepared) ?? { timesSeen: 0 };
    plan.timesSeen += 1;
    plans.set(prepared, plan);
    if (plan.page === undefined && plan.timesSeen > 1) {
      const selection = pageCount < MAX_PAGE_STATEMENTS ? lookAhead(schema, prepared.document, prepared.operation) : null;
      plan.page = selection && planAccountPage(selection);
      if (plan.page) pageCount += 1;
    }
    return plan.page ?? null;
  };

  return ({ prepared, variables, context }) => {
    const { caller, services } = context;
    if (prepared.operation.operation !== 'query' || !isAccountPage(prepared)) return null;
    if (caller.userId === null || !roles.includes(caller.role)) return null;
    const page = pageOf(prepared);
    return page && writePage(services.history.accountPage(page, caller.userId, variables.values));
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
