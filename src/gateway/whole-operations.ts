import { type DocumentNode, type GraphQLSchema, getOperationAST, getVariableValues, type OperationDefinitionNode } from 'graphql';
import type { Context } from '../resolvers/context.js';
import { lookAhead } from '../resolvers/look-ahead.js';
import { planAccountPage } from '../services/history/account-page.js';
import { InvalidArgument } from '../services/invalid-argument.js';
import { allowedRoles } from './enforce-roles.js';
import { JsonText } from './json-text.js';

/**
 * Answers an operation as a whole, or gives back null when this caller or these variables want more care: it is then
 * resolved field by field, which also finds the words and the places of what is refused.
 */
export type WholeOperation = (context: Context, variables: Readonly<Record<string, unknown>>) => Promise<JsonText | null>;

/** Each is a prepared statement on every connection of the pool, kept until the process ends: strangers must not make more. */
const LARGEST_COUNT = 200;

/** Plans operations that one statement can answer. For others, and beyond the largest count, it gives null. */
export function createWholeOperations(schema: GraphQLSchema) {
  const roles = allowedRoles(schema, schema.getQueryType()?.getFields().me as object) ?? [];
  let count = 0;
  return (document: DocumentNode, operationName: string | undefined): WholeOperation | null => {
    const operation = getOperationAST(document, operationName);
    if (operation?.operation !== 'query' || count >= LARGEST_COUNT) return null;
    const selection = lookAhead(schema, document, operation);
    const page = selection && planAccountPage(selection);
    if (!page) return null;
    count += 1;
    return async (context, given) => {
      const { caller, services } = context;
      const variables = coerced(schema, operation, given);
      if (caller.userId === null || !roles.includes(caller.role) || !variables) return null;
      try {
        return new JsonText(await services.history.accountPage(page, caller.userId, variables));
      } catch (error) {
        if (error instanceof InvalidArgument) return null;
        throw error;
      }
    };
  };
}

/** The variables with their defaults; null when one is not as it was declared. */
function coerced(
  schema: GraphQLSchema,
  { variableDefinitions = [] }: OperationDefinitionNode,
  given: Readonly<Record<string, unknown>>,
) {
  if (variableDefinitions.length === 0) return {};
  const { coerced: values } = getVariableValues(schema, variableDefinitions, given as Record<string, unknown>);
  return values ?? null;
}
