import type { CursorPart } from '../../services/pagination.js';
import {
  instant,
  type JsonType,
  money,
  nullableInstant,
  nullableString,
  number,
  objectPieces,
  type Piece,
  string,
  toSql,
  type WriteField,
  word,
} from './json-pieces.js';
import { argumentOf, firstOf, positionOf, type StatementBuilder } from './page-statement.js';
import type { Selected } from './selection.js';

type Type = JsonType<StatementBuilder>;
type Write = WriteField<StatementBuilder>;

const MAX_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const LEAST_UUID = '00000000-0000-0000-0000-000000000000';
const MAX_VERSION = 2_147_483_647;

/** A connection: where its rows are, in which order, and what its cursors are made of. */
interface Connection {
  readonly name: string;
  readonly node: () => Type;
  /** The parts of a cursor, and the values that stand before every row. */
  readonly cursor: readonly CursorPart[];
  readonly start: readonly (string | number)[];
  /** The rows of the parent that meet `conditions` (SQL that begins with `and`, or nothing), in order, without the limit. */
  readonly rows: (parent: string, conditions: string) => string;
  /** What makes a row come after the position. */
  readonly isAfter: (position: readonly string[]) => string;
  readonly filter?: 'status' | 'kind';
  /** The cursor's values as a JSON list: the text that encodeCursor packs. */
  readonly packed: (row: string) => string;
}

const SQL_TYPES: Record<CursorPart, string> = { text: 'text', integer: 'int', uuid: 'uuid', instant: 'timestamptz' };

/** As encodeCursor does: base64url of the JSON list, without the padding and the line breaks that Postgres puts in. */
const cursorSql = (packed: string) => `translate(encode(convert_to(${packed}, 'UTF8'), 'base64'), E'+/=\\n', '-_')`;

const connection =
  (shape: Connection): Write =>
  (parent, selected, builder) => {
    const row = builder.nextRow();
    const rows = shape.rows(parent, conditionsOf(shape, selected, builder));
    // The one row too many tells that there is more; it is read only when somebody wants to know.
    const isMoreAsked = selected.selection.some(
      ({ field, selection }) => field === 'pageInfo' && selection.some((inner) => inner.field === 'hasNextPage'),
    );
    const limit = builder.parameter('int', firstOf(selected, isMoreAsked ? 1 : 0));
    const page = { first: isMoreAsked ? builder.parameter('int', firstOf(selected)) : null, shape, selected };
    const text = toSql(objectPieces(connectionType(page), row, selected.selection, builder));
    // One row for one page, though nothing that is asked for may be an aggregate: `{ __typename }`.
    return [{ sql: `(select ${text} from (${rows} limit ${limit}) ${row} having true)` }];
  };

/** A condition that always holds would still mislead the planner: what is known not to be asked for is not in the statement. */
function conditionsOf({ filter, cursor, start, isAfter }: Connection, selected: Selected, builder: StatementBuilder): string {
  const mayBeGiven = (name: string) => selected.fixedArguments === null || (selected.fixedArguments[name] ?? null) !== null;
  const conditions: string[] = [];
  if (filter && mayBeGiven(filter)) {
    const wanted = builder.parameter('text', argumentOf(selected, filter));
    conditions.push(`and (${wanted} is null or ${filter} = ${wanted})`);
  }
  if (mayBeGiven('after')) {
    const position = cursor.map((part, index) => builder.parameter(SQL_TYPES[part], positionOf(selected, cursor, start, index)));
    conditions.push(`and ${isAfter(position)}`);
  }
  return conditions.join(' ');
}

interface AskedPage {
  readonly shape: Connection;
  readonly selected: Selected;
  /** The page's size, when one row more than it is read. */
  readonly first: string | null;
}

function connectionType({ shape, selected, first }: AskedPage): Type {
  const list = (pieces: readonly Piece[]): Piece[] => {
    // A node of nothing but `__typename` is a literal, whose type must be said.
    const node = `(${toSql(pieces)})::text`;
    const joined = first ? `array_to_string((array_agg(${node}))[1:${first}], ',')` : `string_agg(${node}, ',')`;
    return [{ text: '[' }, { sql: `coalesce(${joined}, '')` }, { text: ']' }];
  };
  const cursorAt = (row: string, place: string): Piece[] => [
    { sql: `coalesce('"' || (array_agg(${cursorSql(shape.packed(row))}))[${place}] || '"', 'null')` },
  ];
  const edge: Type = {
    name: `${shape.name}Edge`,
    fields: {
      cursor: (row) => [{ text: '"' }, { sql: cursorSql(shape.packed(row)) }, { text: '"' }],
      node: (row, { selection }, builder) => objectPieces(shape.node(), row, selection, builder),
    },
  };
  const pageInfo: Type = {
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

const packedInstant = (column: string) => (row: string) =>
  `'[' || (extract(epoch from ${row}.${column}) * 1000)::bigint || ',"' || ${row}.id || '"]'`;

const film: Type = {
  name: 'Film',
  fields: { id: word('id'), title: string('title'), description: nullableString('description') },
};

/** By title, of the version whose id the parent has. */
const films = connection({
  name: 'Film',
  node: () => film,
  cursor: ['text', 'uuid'],
  start: ['', LEAST_UUID],
  rows: (parent, conditions) =>
    `select f.* from subscription_version_films vf join films f on f.id = vf.film_id
     where vf.version_id = ${parent}.version_id ${conditions} order by f.title, f.id`,
  isAfter: ([title, id]) => `(f.title, f.id) > (${title}, ${id})`,
  packed: (row) => `'[' || to_json(${row}.title) || ',"' || ${row}.id || '"]'`,
});

/** A subscription with one of its versions. */
const subscription: Type = {
  name: 'Subscription',
  fields: {
    id: word('id'),
    version: number('version'),
    title: string('title'),
    description: string('description'),
    status: word('status'),
    durationDays: number('duration_days'),
    pricePerDay: money((row) => `${row}.price_per_day`),
    price: money((row) => `${row}.price`),
    films,
  },
};

/** One row that another names, which is there for certain. */
const one =
  (type: () => Type, from: (parent: string) => string): Write =>
  (parent, { selection }, builder) => {
    const row = builder.nextRow();
    return [{ sql: `(select ${toSql(objectPieces(type(), row, selection, builder))} from (${from(parent)}) ${row})` }];
  };

const grant: Type = {
  name: 'Grant',
  fields: {
    id: word('id'),
    userId: word('user_id'),
    status: word('status'),
    paidWith: word('paid_with'),
    grantedAt: instant('granted_at'),
    availableUntil: instant('available_until'),
    pricePerDay: money((row) => `${row}.price_per_day`),
    reason: nullableString('reason'),
    films,
    subscription: one(
      () => subscription,
      (parent) =>
        `select s.id, s.title, s.description, s.status, v.id as version_id, v.version, v.duration_days, v.price_per_day, v.price,
           v.currency
         from subscription_versions v join subscriptions s on s.id = v.subscription_id where v.id = ${parent}.version_id`,
    ),
  },
};

const transaction: Type = {
  name: 'Transaction',
  fields: {
    id: word('id'),
    kind: word('kind'),
    amount: money((row) => `${row}.amount`),
    balanceAfter: money((row) => `${row}.balance_after`),
    version: number('version'),
    counterAccount: word('counter_account'),
    createdAt: instant('created_at'),
    reason: nullableString('reason'),
    grant: (parent, selected, builder) => {
      const [found] = one(
        () => grant,
        (row) => `select * from grants where id = ${row}.grant_id`,
      )(parent, selected, builder) as [{ sql: string }];
      return [{ sql: `coalesce(${found.sql}, 'null')` }];
    },
  },
};

const balance: Type = {
  name: 'Balance',
  fields: {
    posted: money((row) => `${row}.posted`),
    held: money((row) => `${row}.held`),
    available: money((row) => `(${row}.posted - ${row}.held)`),
    version: number('version'),
    updatedAt: nullableInstant('updated_at'),
  },
};

/** A viewer's account; its row has the `user_id` alone. */
export const accountType: Type = {
  name: 'Account',
  fields: {
    userId: word('user_id'),
    balance: (parent, selected, builder) => {
      const currency = builder.parameter('text', (request) => request.currency);
      // Zero in the house's currency for who has none yet; one that never changed has no instant of its last change.
      return one(
        () => balance,
        () => `select coalesce(b.currency, ${currency}) as currency, coalesce(b.posted, 0) as posted, coalesce(b.held, 0) as held,
            coalesce(b.version, 0) as version, case when b.version > 0 then b.updated_at end as updated_at
          from (select) nothing left join balances b on b.user_id = ${parent}.user_id`,
      )(parent, selected, builder);
    },
    grants: connection({
      name: 'Grant',
      node: () => grant,
      cursor: ['instant', 'uuid'],
      start: ['infinity', MAX_UUID],
      filter: 'status',
      rows: (parent, conditions) =>
        `select * from grants where user_id = ${parent}.user_id ${conditions} order by granted_at desc, id desc`,
      isAfter: ([at, id]) => `(granted_at, id) < (${at}, ${id})`,
      packed: packedInstant('granted_at'),
    }),
    transactions: connection({
      name: 'Transaction',
      node: () => transaction,
      cursor: ['integer'],
      start: [MAX_VERSION],
      filter: 'kind',
      rows: (parent, conditions) =>
        `select * from transactions where user_id = ${parent}.user_id ${conditions} order by version desc`,
      isAfter: ([version]) => `version < ${version}`,
      packed: (row) => `'[' || ${row}.version || ']'`,
    }),
  },
};
