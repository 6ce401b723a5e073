import type { Grant, GrantStatus } from '../../entities/grant.js';
import type { Order, OrderStatus } from '../../entities/order.js';
import type { Transaction, TransactionKind } from '../../entities/transaction.js';
import { grantColumns, orderColumns, transactionColumns } from '../../stores/columns.js';
import { type Queryable, type Statement, statement } from '../../stores/database.js';
import { type CursorPart, checkedFirst, decodeCursor, type Page, pageOf } from '../pagination.js';

/** The requested part of a connection: `first` is the number of nodes, `filter` the one status or kind to include. */
export interface PageRequest<Filter extends string = string> {
  readonly first: number;
  readonly after?: string | null;
  readonly filter?: Filter | null;
}

const MAX_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const MIN_UUID = '00000000-0000-0000-0000-000000000000';
const MAX_VERSION = 2_147_483_647;

/** A connection of many viewers in one statement, newest first. */
interface Connection<Row> {
  /** $1 the viewers, $2 the filter or null, $3 the number of rows, then the cursor. */
  readonly statement: Statement;
  readonly cursor: readonly CursorPart[];
  /** The position before the first page: nothing is newer. A bound is always present, so the index scan starts at the cursor. */
  readonly start: readonly (string | number)[];
  readonly positionOf: (row: Row) => readonly (string | number | Date)[];
}

const pagesOf = (table: string, columns: string, filter: string, isAfter: string, order: string): Statement => ({
  name: `pages-of-${table}`,
  text: `
    select page.* from unnest($1::uuid[]) as viewer (id) cross join lateral (
      select ${columns} from ${table}
      where user_id = viewer.id and ($2::text is null or ${filter} = $2) and ${isAfter}
      order by ${order} limit $3
    ) page`,
});

function byInstant<Row extends { id: string }>(
  table: string,
  columns: string,
  column: string,
  instantOf: (row: Row) => Date,
): Connection<Row> {
  return {
    statement: pagesOf(table, columns, 'status', `(${column}, id) < ($4::timestamptz, $5::uuid)`, `${column} desc, id desc`),
    cursor: ['instant', 'uuid'],
    start: ['infinity', MAX_UUID],
    positionOf: (row) => [instantOf(row), row.id],
  };
}

const grants = byInstant<Grant>('grants', grantColumns, 'granted_at', (grant) => grant.grantedAt);
const orders = byInstant<Order>('orders', orderColumns, 'created_at', (order) => order.createdAt);
const transactions: Connection<Transaction> = {
  statement: pagesOf('transactions', transactionColumns, 'kind', 'version < $4::int', 'version desc'),
  cursor: ['integer'],
  start: [MAX_VERSION],
  positionOf: ({ version }) => [version],
};

const pageOfAccounts = statement(
  'page-of-accounts',
)`select user_id as "userId" from balances where user_id > $1::uuid order by user_id limit $2`;

/** The connections of an account, for many viewers at once. */
export class AccountPages {
  constructor(
    private readonly database: Queryable,
    private readonly pageMaximumCount: number,
  ) {}

  /** Each viewer's grants, newest first: one page for each, in their order. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  grants(userIds: readonly string[], request: PageRequest<GrantStatus>): Promise<Page<Grant>[]> {
    return this.read(grants, userIds, request);
  }

  /** Each viewer's orders, newest first: one page for each, in their order. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  orders(userIds: readonly string[], request: PageRequest<OrderStatus>): Promise<Page<Order>[]> {
    return this.read(orders, userIds, request);
  }

  /** Each viewer's transactions, newest first: one page for each, in their order. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  transactions(userIds: readonly string[], request: PageRequest<TransactionKind>): Promise<Page<Transaction>[]> {
    return this.read(transactions, userIds, request);
  }

  /** Viewers that have a balance row, ordered by user id. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async accounts(request: PageRequest): Promise<Page<{ userId: string }>> {
    const first = checkedFirst(request.first, this.pageMaximumCount);
    const [userId] = request.after ? decodeCursor(request.after, ['uuid']) : [MIN_UUID];
    const rows = await this.database.query<{ userId: string }>(pageOfAccounts, [userId, first + 1]);
    return pageOf(rows, first, (row) => [row.userId], request.after);
  }

  private async read<Row extends { userId: string }>(
    { statement, cursor, start, positionOf }: Connection<Row>,
    userIds: readonly string[],
    { first: wanted, after, filter = null }: PageRequest,
  ): Promise<Page<Row>[]> {
    const first = checkedFirst(wanted, this.pageMaximumCount);
    const position = after ? decodeCursor(after, cursor).map(inRange) : start;
    const rows = await this.database.query<Row>(statement, [userIds, filter, first + 1, ...position]);
    const rowsOf = new Map<string, Row[]>(userIds.map((userId) => [userId, []]));
    for (const row of rows) rowsOf.get(row.userId)?.push(row);
    return userIds.map((userId) => pageOf(rowsOf.get(userId) ?? [], first, positionOf, after));
  }
}

/** A version of Postgres' type `integer`: a position beyond it is after all rows, or before them. */
const inRange = (part: string | number | Date) => (typeof part === 'number' ? Math.max(0, Math.min(part, MAX_VERSION)) : part);
