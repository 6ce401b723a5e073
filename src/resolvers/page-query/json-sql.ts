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
import { type CursorPart, checkedFirst, decodeCursor } from '../../services/pagination.js';
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
type Piece = { readonly text: string } | { readonly sql: string };

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

/** A connection: where its rows come from, their order, and what its cursors consist of. */
interface Connection {
  readonly name: string;
  readonly node: () => JsonType;
  /** The parts of a cursor, and the values that sort before every row. */
  readonly cursor: readonly CursorPart[];
  readonly start: readonly (string | number)[];
  /** The parent's rows that match `conditions` (SQL that begins with `and`, or empty), in order and without a limit. */
  readonly rows: (parent: string, conditions: string) => string;
  /** The condition for a row that comes after the position. */
  readonly isAfter: (position: readonly string[]) => string;
  readonly filter?: 'status' | 'kind';
  /** The cursor's values as a JSON list: the text that encodeCursor encodes. */
  readonly packed: (row: string) => string;
}

const SQL_TYPES: Record<CursorPart, string> = { text: 'text', integer: 'int', uuid: 'uuid', instant: 'timestamptz' };

/** Like encodeCursor: base64url of the JSON list, without padding and without the line breaks that Postgres inserts. */
const cursorSql = (packed: string) => `translate(encode(convert_to(${packed}, 'UTF8'), 'base64'), E'+/=\\n', '-_')`;

/** Writes a page of rows in the shape of the contract's connections. */
export const connection =
  (shape: Connection): WriteField =>
  (parent, selected, builder) => {
    const row = builder.nextRow();
    const rows = shape.rows(parent, conditionsOf(shape, selected, builder));
    // Reading one extra row shows whether there is a next page; it is read only when `hasNextPage` is selected.
    const asksForMore = selected.selection.some(
      ({ field, selection }) => field === 'pageInfo' && selection.some((inner) => inner.field === 'hasNextPage'),
    );
    const limit = builder.parameter('int', firstOf(selected, asksForMore ? 1 : 0));
    const page = { first: asksForMore ? builder.parameter('int', firstOf(selected)) : null, shape, selected };
    const text = toSql(objectPieces(connectionType(page), row, selected.selection, builder));
    // The aggregate makes one row per page even if no selected field is an aggregate: `{ __typename }`.
    return [{ sql: `(select ${text} from (${rows} limit ${limit}) ${row} having true)` }];
  };

/**
 * A condition that is always true would still mislead the planner, so arguments known to be absent add none to the statement.
 */
function conditionsOf({ filter, cursor, start, isAfter }: Connection, selected: Selected, builder: StatementBuilder): string {
  const mayBePresent = (name: string) => selected.fixedArguments === null || (selected.fixedArguments[name] ?? null) !== null;
  const conditions: string[] = [];
  if (filter && mayBePresent(filter)) {
    const wanted = builder.parameter('text', argumentOf(selected, filter));
    conditions.push(`and (${wanted} is null or ${filter} = ${wanted})`);
  }
  if (mayBePresent('after')) {
    const position = cursor.map((part, index) => builder.parameter(SQL_TYPES[part], positionOf(selected, cursor, start, index)));
    conditions.push(`and ${isAfter(position)}`);
  }
  return conditions.join(' ');
}

interface RequestedPage {
  readonly shape: Connection;
  readonly selected: Selected;
  /** The page's size, when one more row than that is read. */
  readonly first: string | null;
}

function connectionType({ shape, selected, first }: RequestedPage): JsonType {
  const list = (pieces: readonly Piece[]): Piece[] => {
    // A node with only `__typename` is an untyped literal, so it needs a cast.
    const node = `(${toSql(pieces)})::text`;
    const joined = first ? `array_to_string((array_agg(${node}))[1:${first}], ',')` : `string_agg(${node}, ',')`;
    return [{ text: '[' }, { sql: `coalesce(${joined}, '')` }, { text: ']' }];
  };
  const cursorAt = (row: string, place: string): Piece[] => [
    { sql: `coalesce('"' || (array_agg(${cursorSql(shape.packed(row))}))[${place}] || '"', 'null')` },
  ];
  const edge: JsonType = {
    name: `${shape.name}Edge`,
    fields: {
      cursor: (row) => [{ text: '"' }, { sql: cursorSql(shape.packed(row)) }, { text: '"' }],
      node: (row, { selection }, builder) => objectPieces(shape.node(), row, selection, builder),
    },
  };
  const pageInfo: JsonType = {
    name: 'PageInfo',
    fields: {
      hasNextPage: () => [{ sql: `case when count(*) > ${first} then 'true' else 'false' end` }],
      hasPreviousPage: (_row, _selected, builder) => [
        { sql: builder.parameter('text', (request) => String(argumentOf(selected, 'after')(request) !== null)) },
      ],
      startCursor: (row) => cursorAt(row, '1'),
      endCursor: (row) => cursorAt(row, first ? `least(count(*), ${first})` : 'count(*)'),
    },
  };
  return {
    name: `${shape.name}Connection`,
    fields: {
      nodes: (row, { selection }, builder) => list(objectPieces(shape.node(), row, selection, builder)),
      edges: (row, { selection }, builder) => list(objectPieces(edge, row, selection, builder)),
      pageInfo: (row, { selection }, builder) => objectPieces(pageInfo, row, selection, builder),
    },
  };
}

/** The maximum of Postgres' `integer`: a position beyond it is after all rows, or before them. */
const MAX_INTEGER = 2_147_483_647;

/** The requested page size of a connection, checked. */
const firstOf =
  (selected: Selected, more = 0): Value =>
  ({ variables, pageMaximumCount }) =>
    checkedFirst(selected.argumentsOf(variables).first as number, pageMaximumCount) + more;

/** An argument's value; null when it is absent. */
const argumentOf =
  (selected: Selected, name: string): Value =>
  ({ variables }) =>
    selected.argumentsOf(variables)[name] ?? null;

/** One part of the `after` cursor; without one, of the position before the first row. */
const positionOf =
  <const Shape extends Parameters<typeof decodeCursor>[1]>(
    selected: Selected,
    shape: Shape,
    start: readonly (string | number)[],
    index: number,
  ): Value =>
  ({ variables }) => {
    const after = selected.argumentsOf(variables).after as string | null | undefined;
    if (after === null || after === undefined) return start[index];
    const part = decodeCursor(after, shape)[index];
    return typeof part === 'number' ? Math.max(0, Math.min(part, MAX_INTEGER)) : part;
  };
