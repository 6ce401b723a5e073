import { isStorable } from '../runtime/text.js';
import { InvalidArgument } from './errors.js';
import { isUuid } from './ids.js';

/** The types of a cursor's values. An instant is a Date in code and milliseconds since 1970 in the cursor. */
export type CursorPart = 'text' | 'integer' | 'uuid' | 'instant';

type PartValue<Part extends CursorPart> = Part extends 'integer' ? number : Part extends 'instant' ? Date : string;
export type CursorValues<Shape extends readonly CursorPart[]> = { -readonly [Index in keyof Shape]: PartValue<Shape[Index]> };

/** Not a cursor of this connection. Clients must use cursors from its `pageInfo` or `edges`. */
export class InvalidCursor extends InvalidArgument {
  override readonly name = 'InvalidCursor';

  constructor(argument = 'after') {
    super(argument, `\`${argument}\` is not a valid cursor.`);
  }
}

const MAX_CURSOR_CHARACTERS = 4_000;
/** The earliest instant that Postgres supports, 24 November 4714 BC: https://www.postgresql.org/docs/current/datatype-datetime.html */
const FIRST_INSTANT_MS = -210_866_803_200_000;
/** The latest instant that JavaScript supports: ECMA-262, Time Values. */
const LAST_INSTANT_MS = 8.64e15;

/** Encodes the values that a keyset page is sorted by. Opaque to clients. */
export function encodeCursor(values: readonly (string | number | Date)[]): string {
  const plain = values.map((value) => (value instanceof Date ? value.getTime() : value));
  return Buffer.from(JSON.stringify(plain)).toString('base64url');
}

/** Returns the values of a cursor, each checked against the shape. @throws InvalidCursor */
export function decodeCursor<const Shape extends readonly CursorPart[]>(text: string, shape: Shape): CursorValues<Shape> {
  if (text.length > MAX_CURSOR_CHARACTERS) throw new InvalidCursor();
  let values: unknown;
  try {
    values = JSON.parse(Buffer.from(text, 'base64url').toString());
  } catch {
    throw new InvalidCursor();
  }
  if (!Array.isArray(values) || values.length !== shape.length) throw new InvalidCursor();
  return values.map((value, index) => readPart(value, shape[index] as CursorPart)) as CursorValues<Shape>;
}

function readPart(value: unknown, part: CursorPart): string | number | Date {
  if (part === 'integer' && Number.isSafeInteger(value)) return value as number;
  if (part === 'instant' && isInstant(value)) return new Date(value);
  if (part === 'uuid' && typeof value === 'string' && isUuid(value)) return value;
  if (part === 'text' && typeof value === 'string' && isStorable(value)) return value;
  throw new InvalidCursor();
}

const isInstant = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= FIRST_INSTANT_MS && (value as number) <= LAST_INSTANT_MS;

/** The schema's connections: https://relay.dev/graphql/connections.htm */
export interface Page<Node> {
  readonly edges: readonly { readonly cursor: string; readonly node: Node }[];
  readonly nodes: readonly Node[];
  readonly pageInfo: PageInfo;
}

export interface PageInfo {
  readonly hasNextPage: boolean;
  readonly hasPreviousPage: boolean;
  readonly startCursor: string | null;
  readonly endCursor: string | null;
}

/**
 * Builds a page of at most `first` nodes from rows read with `limit first + 1`: the extra row shows that there is a next page.
 * `positionOf` returns the values that the query sorts by.
 */
export function pageOf<Node>(
  rows: readonly Node[],
  first: number,
  positionOf: (row: Node) => readonly (string | number | Date)[],
  after?: string | null,
): Page<Node> {
  const nodes = rows.length > first ? rows.slice(0, first) : rows;
  const edges = nodes.map((node) => ({ cursor: encodeCursor(positionOf(node)), node }));
  return {
    edges,
    nodes,
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: after !== undefined && after !== null,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
  };
}

/** Returns `first`. @throws InvalidArgument unless it is from 1 to `maximum` */
export function checkedFirst(first: number, maximum: number): number {
  if (Number.isInteger(first) && first >= 1 && first <= maximum) return first;
  throw new InvalidArgument('first', `\`first\` must be between 1 and ${maximum}.`);
}
