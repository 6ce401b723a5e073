import {
  defaultFieldResolver,
  type GraphQLField,
  GraphQLID,
  GraphQLInt,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isNonNullType,
} from 'graphql';
import { columnNames } from '../../stores/columns.js';
import { isRowResolver } from '../row-fields.js';
import { instant, money, nullable, number, string, type WriteField, word } from './json-pieces.js';

/**
 * The fields of a contract type that are columns of its entities, each written as its GraphQL type requires. Fields with their
 * own resolver, role or arguments are omitted: a page that selects one is resolved field by field.
 */
export function columnFields<Builder>(
  schema: GraphQLSchema,
  typeName: string,
  entities: readonly (new () => object)[],
): Record<string, WriteField<Builder>> {
  const columns = new Map(entities.flatMap((entity) => [...columnNames(entity)]));
  const fields: Record<string, WriteField<Builder>> = {};
  for (const field of Object.values((schema.getType(typeName) as GraphQLObjectType).getFields())) {
    const column = columns.get(field.name);
    if (column === undefined || !isReadFromRow(field)) continue;
    const write = writerOf<Builder>(field, column);
    fields[field.name] = isNonNullType(field.type) ? write : nullable(write);
  }
  return fields;
}

const isReadFromRow = ({ args, resolve = defaultFieldResolver }: GraphQLField<unknown, unknown>) =>
  args.length === 0 && (resolve === defaultFieldResolver || isRowResolver(resolve));

function writerOf<Builder>({ name, type }: GraphQLField<unknown, unknown>, column: string): WriteField<Builder> {
  const named = getNamedType(type);
  // A UUID or an enum value of ours needs no escaping.
  if (isEnumType(named) || named === GraphQLID) return word(column);
  if (named === GraphQLInt) return number(column);
  if (named.name === 'String') return string(column);
  if (named.name === 'DateTime') return instant(column);
  if (named.name === 'Money') return money((row) => `${row}.${column}`);
  throw new Error(`no way to write ${name} of type ${named.name} from a column`);
}
