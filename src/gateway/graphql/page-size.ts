import { type GraphQLObjectType, getNamedType, getNullableType, isListType, isObjectType } from 'graphql';
import type { Limits } from '../../config/limits.js';
import type { Selected } from '../../resolvers/page-query/selection.js';
import { textCharacters } from './cost-table.js';
import type { Variables } from './prepared-operation.js';

export type PageLimits = Pick<Limits, 'responseBytes' | 'descriptionMaximumCharacters'>;

/** Quotation marks, a colon and a comma around a name. */
const NAME_BYTES = 4;
/** A UUID or an instant in its quotation marks, and anything shorter. */
const SHORT_LEAF_BYTES = 38;

/**
 * How many bytes an answer may have with these variables when its pages are full and its texts as long as they get, in ASCII. A
 * statement makes the whole answer before anybody can count it, so what may be too long must not be asked for in one.
 */
export function maxBytes(
  type: GraphQLObjectType,
  selection: readonly Selected[],
  variables: Variables,
  limits: PageLimits,
  /** How many the connection was asked for that `type` is of, if it is of one. */
  asked = 1,
): number {
  let bytes = 2;
  for (const { key, field, argumentsOf, selection: inner } of selection) {
    bytes += key.length + NAME_BYTES;
    const definition = type.getFields()[field];
    const named = definition && getNamedType(definition.type);
    if (isObjectType(named)) {
      const { first = 1 } = argumentsOf(variables);
      const each = maxBytes(named, inner, variables, limits, typeof first === 'number' ? Math.max(first, 1) : 1);
      bytes += definition && isListType(getNullableType(definition.type)) ? asked * (each + 1) : each;
    } else {
      bytes += SHORT_LEAF_BYTES + (definition ? textCharacters(type.name, definition, limits) : 0);
    }
  }
  return bytes;
}
