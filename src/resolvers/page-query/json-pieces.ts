import type { Selected } from './selection.js';

/** A part of a JSON text: a constant text, or an SQL expression that is never null. */
export type Piece = { readonly text: string } | { readonly sql: string };

/** Writes one field of a row; `row` is the row's alias in the statement. */
export type WriteField<Builder> = (row: string, selected: Selected, builder: Builder) => readonly Piece[];

/** The fields of a contract type that can be written. */
export interface JsonType<Builder> {
  readonly name: string;
  readonly fields: Readonly<Record<string, WriteField<Builder>>>;
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
export function objectPieces<Builder>(
  type: JsonType<Builder>,
  row: string,
  selection: readonly Selected[],
  builder: Builder,
): Piece[] {
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

/** A value that needs no escaping: a UUID or an enum value of ours. */
export const word =
  <Builder>(column: string): WriteField<Builder> =>
  (row) => [text('"'), sql(`${row}.${column}`), text('"')];

export const number =
  <Builder>(column: string): WriteField<Builder> =>
  (row) => [sql(`${row}.${column}`)];

export const string =
  <Builder>(column: string): WriteField<Builder> =>
  (row) => [sql(`to_json(${row}.${column})::text`)];

/** The same, or null when the column is null: concatenating with null gives null. */
export const nullable =
  <Builder>(write: WriteField<Builder>): WriteField<Builder> =>
  (row, selected, builder) => [sql(`coalesce(${toSql(write(row, selected, builder))}, 'null')`)];

/**
 * RFC 3339 in UTC with milliseconds, whatever the session's time zone. The zone is given as an interval, because Postgres would look up a
 * zone's name for each value.
 */
const instantSql = (expression: string) =>
  `'"' || to_char(${expression} at time zone interval '0', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') || '"'`;

export const instant =
  <Builder>(column: string): WriteField<Builder> =>
  (row) => [sql(instantSql(`${row}.${column}`))];

/** `amount`: an expression over `row`, in minor units; the currency is the row's. */
export const money =
  <Builder>(amount: (row: string) => string): WriteField<Builder> =>
  (row, { selection }, builder) => {
    const type: JsonType<Builder> = { name: 'Money', fields: { amount: () => [sql(amount(row))], currency: word('currency') } };
    return objectPieces(type, row, selection, builder);
  };
