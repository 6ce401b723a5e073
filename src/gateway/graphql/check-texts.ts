import {
  type GraphQLFieldConfig,
  type GraphQLFieldResolver,
  type GraphQLInputType,
  getNamedType,
  isInputObjectType,
} from 'graphql';
import type { Context } from '../../resolvers/context.js';
import { isStorable } from '../../runtime/text.js';
import { InvalidArgument, invalidInput } from '../../services/errors.js';

type Resolve = GraphQLFieldResolver<unknown, Context>;

const FAULT = 'has the character NUL or half of a surrogate pair, which no text may have.';

/**
 * Texts that nothing can store are refused before the services see them, wherever in the arguments they are: a mutation's payload
 * has INVALID_INPUT, every other root field ends with BAD_USER_INPUT.
 */
export function withTextsChecked(resolve: Resolve, field: GraphQLFieldConfig<unknown, Context>, typeName: string): Resolve {
  if (!Object.values(field.args ?? {}).some(({ type }) => mayHoldText(type))) return resolve;
  return (source, args, context, info) => {
    const path = pathOfFaultyText(args);
    if (path === null) return resolve(source, args, context, info);
    const [argument = '', ...rest] = path;
    if (typeName !== 'Mutation') throw new InvalidArgument(argument, `\`${argument}\` ${FAULT}`);
    const { error } = invalidInput(`\`${rest.at(-1) ?? argument}\` ${FAULT}`);
    // `films` is the one list of a payload that is never null.
    return { films: [], errors: [{ ...error, path }] };
  };
}

function mayHoldText(type: GraphQLInputType): boolean {
  const named = getNamedType(type);
  return isInputObjectType(named) || named.name === 'String' || named.name === 'ID';
}

/** Where the first text stands that cannot be stored, outermost name first; null when there is none. Depth is the contract's. */
function pathOfFaultyText(value: unknown): string[] | null {
  if (typeof value === 'string') return isStorable(value) ? null : [];
  if (typeof value !== 'object' || value === null) return null;
  // Lists of thousands of ids are common, and property names of their indexes are slow to make.
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && isStorable(item))) return null;
  for (const name in value) {
    const path = pathOfFaultyText((value as Record<string, unknown>)[name]);
    if (path) return [name, ...path];
  }
  return null;
}
