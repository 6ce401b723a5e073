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
import type { Value } from '../../services/accounts/accounts.js';
import { propertiesOf } from '../../stores/columns.js';
import { isRowResolver } from '../row-fields.js';
import type { Selected } from './look-ahead.js';

/** Collects the parameters of a statement and names its rows. */
export class StatementBuilder {
  readonly values: Value[] = [];
  private rowCount = 0;

  /** Adds a parameter of a type; returns the text that refers to it. */
  parameter(type: string, value: Value): string {
    this.values.push(value);
    return `$${this.values.length}::${type}`;
  }

  nextRow(): string {
    this.rowCount += 1;
    return `row_${this.rowCount}`;
  }
}

/** A part of a JSON text: a constant text, or an SQL expression that is never null. */
export type Piece = { readonly text: string } | { readonly sql: string };

/** Writes one field of a row; `row` is the row's alias in the statement. */
export type WriteField = (row: string, selected: Selected, builder: StatementBuilder) => readonly Piece[];

/** The fields of a contract type that can be written. */
export interface JsonType {
  readonly name: string;
  readonly fields: Readonly<Record<string, WriteField>>;
}

/** A field was selected that one statement cannot return: the operation must be resolved field by field. */
export class NotInOneStatement extends Error {
  override readonly name = 'NotInOneStatement';
}

const text = (value: string): Piece => ({ text: value });
const sql = (value: string): Piece => ({ sql: value });

/**
 * An object with the selected fields.
 *
 * @throws NotInOneStatement
 */
export function objectPieces(type: JsonType, row: string, selection: readonly Selected[], builder: StatementBuilder): Piece[] {
  const pieces = selection.flatMap((selected, index): Piece[] => {
    const key = text(`${index === 0 ? '' : ','}"${selected.key}":`);
    if (selected.field === '__typename') return [key, text(`"${type.name}"`)];
    const write = Object.hasOwn(type.fields, selected.field) ? type.fields[selected.field] : undefined;
    if (!write) throw new NotInOneStatement(`${type.name}.${selected.field}`);
    return [key, ...write(row, selected, builder)];
  });
  return [text('{'), ...pieces, text('}')];
}

/** The SQL expression (text, never null) that concatenates the pieces. */
export function toSql(pieces: readonly Piece[]): string {
  const terms: string[] = [];
  let literal = '';
  const closeLiteral = () => {
    if (literal !== '') terms.push(`'${literal.replaceAll("'", "''")}'`);
    literal = '';
  };
  for (const piece of pieces) {
    if ('text' in piece) literal += piece.text;
    else {
      closeLiteral();
      terms.push(piece.sql);
    }
  }
  closeLiteral();
  return terms.join(' || ');
}

/** A column of the row, or an expression over it. */
type Source = string | ((row: string) => string);

const read = (source: Source, row: string) => (typeof source === 'string' ? `${row}.${source}` : source(row));

/** A value that needs no escaping: a UUID or an enum value of ours. */
export const word =
  (source: Source): WriteField =>
  (row) => [text('"'), sql(read(source, row)), text('"')];

export const number =
  (source: Source): WriteField =>
  (row) => [sql(read(source, row))];

export const string =
  (source: Source): WriteField =>
  (row) => [sql(`to_json(${read(source, row)})::text`)];

/** The same, or null when the column is null: concatenating with null gives null. */
export const nullable =
  (write: WriteField): WriteField =>
  (row, selected, builder) => [sql(`coalesce(${toSql(write(row, selected, builder))}, 'null')`)];

/**
 * RFC 3339 in UTC with milliseconds, whatever the session's time zone. The zone is given as an interval, because Postgres would look up a
 * zone's name for each value.
 */
const instantSql = (expression: string) =>
  `'"' || to_char(${expression} at time zone interval '0', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"'`;

export const instant =
  (source: Source): WriteField =>
  (row) => [sql(instantSql(read(source, row)))];

/** `amount`: an expression over `row`, in minor units; the currency is the row's. */
export const money =
  (amount: (row: string) => string): WriteField =>
  (row, { selection }, builder) => {
    const type: JsonType = { name: 'Money', fields: { amount: () => [sql(amount(row))], currency: word('currency') } };
    return objectPieces(type, row, selection, builder);
  };

/**
 * The fields of a contract type that are columns of its entities, each written as its GraphQL type requires. Fields with their
 * own resolver, role or arguments are omitted: a page that selects one is resolved field by field.
 */
export function columnFields(
  schema: GraphQLSchema,
  typeName: string,
  entities: readonly (new () => object)[],
): Record<string, WriteField> {
  const sources = new Map<string, Source>();
  for (const entity of entities)
    for (const name of propertiesOf(entity).keys()) sources.set(name, (row) => propertiesOf(entity, row).get(name) as string);
  const fields: Record<string, WriteField> = {};
  for (const field of Object.values((schema.getType(typeName) as GraphQLObjectType).getFields())) {
    const source = sources.get(field.name);
    if (source === undefined || !isReadFromRow(field)) continue;
    const write = writerOf(field, source);
    fields[field.name] = isNonNullType(field.type) ? write : nullable(write);
  }
  return fields;
}

const isReadFromRow = ({ args, resolve = defaultFieldResolver }: GraphQLField<unknown, unknown>) =>
  args.length === 0 && (resolve === defaultFieldResolver || isRowResolver(resolve));

function writerOf({ name, type }: GraphQLField<unknown, unknown>, source: Source): WriteField {
  const named = getNamedType(type);
  // A UUID or an enum value of ours needs no escaping.
  if (isEnumType(named) || named === GraphQLID) return word(source);
  if (named === GraphQLInt) return number(source);
  if (named.name === 'String') return string(source);
  if (named.name === 'DateTime') return instant(source);
  if (named.name === 'Money') return money((row) => read(source, row));
  throw new Error(`no way to write ${name} of type ${named.name} from a row`);
}
