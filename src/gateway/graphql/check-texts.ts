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

const FAULT = 'contains a NUL character or a lone surrogate, which is not allowed.';

/**
 * Rejects texts that cannot be stored, anywhere in the arguments, before they reach the services: a mutation's payload gets
 * INVALID_INPUT, every other root field fails as BAD_USER_INPUT.
 */
export function withTextsChecked(resolve: Resolve, field: GraphQLFieldConfig<unknown, Context>, typeName: string): Resolve {
  if (!Object.values(field.args ?? {}).some(({ type }) => mayHoldText(type))) return resolve;
  return (source, args, context, info) => {
    const path = pathOfInvalidText(args);
    if (path === null) return resolve(source, args, context, info);
    const [argument = '', ...rest] = path;
    if (typeName !== 'Mutation') throw new InvalidArgument(argument, `\`${argument}\` ${FAULT}`);
    const { error } = invalidInput(`\`${rest.at(-1) ?? argument}\` ${FAULT}`);
    // `films` is the only payload list that cannot be null.
    return { films: [], errors: [{ ...error, path }] };
  };
}

function mayHoldText(type: GraphQLInputType): boolean {
  const named = getNamedType(type);
  return isInputObjectType(named) || named.name === 'String' || named.name === 'ID';
}

/** The path of the first text that cannot be stored, outermost name first; null if there is none. The contract bounds the depth. */
function pathOfInvalidText(value: unknown): string[] | null {
  if (typeof value === 'string') return isStorable(value) ? null : [];
  if (typeof value !== 'object' || value === null) return null;
  // Lists of thousands of ids are common, and creating property names for their indexes is slow.
  if (Array.isArray(value) && value.every((item) => typeof item === 'string' && isStorable(item))) return null;
  for (const name in value) {
    const path = pathOfInvalidText((value as Record<string, unknown>)[name]);
    if (path) return [name, ...path];
  }
  return null;
}
