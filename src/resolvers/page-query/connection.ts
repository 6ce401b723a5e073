import type { Value } from '../../services/accounts/accounts.js';
import { type CursorPart, checkedFirst, decodeCursor } from '../../services/pagination.js';
import { type JsonType, objectPieces, type Piece, type StatementBuilder, toSql, type WriteField } from './json-sql.js';
import type { Selected } from './look-ahead.js';

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
