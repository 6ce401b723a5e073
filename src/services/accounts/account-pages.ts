import type { Grant, GrantStatus } from '../../entities/grant.js';
import type { Order, OrderStatus } from '../../entities/order.js';
import type { Transaction, TransactionKind } from '../../entities/transaction.js';
import { grantColumns, orderColumns, transactionColumns } from '../../stores/columns.js';
import type { Queryable, Statement } from '../../stores/database.js';
import { checkedFirst, decodeCursor, type Page, pageOf } from '../pagination.js';

/** The requested part of a connection: `first` is the number of nodes, `filter` the one status or kind to include. */
export interface PageRequest<Filter extends string = string> {
  readonly first: number;
  readonly after?: string | null;
  readonly filter?: Filter | null;
}

/** The position before the first page: nothing is newer. A bound is always present, so the index scan starts at the cursor. */
const FURTHEST_INSTANT = 'infinity';
const MAX_UUID = 'ffffffff-ffff-ffff-ffff-ffffffffffff';
const MIN_UUID = '00000000-0000-0000-0000-000000000000';
const MAX_VERSION = 2_147_483_647;

/** Pages of many viewers in one statement: $1 the viewers, $2 the filter or null, $3 and $4 the cursor, $5 the number of rows. */
function byInstant(table: string, columns: string, filterColumn: string, instantColumn: string): Statement {
  return {
    name: `pages-of-${table}`,
    text: `
      select page.* from unnest($1::uuid[]) as viewer (id) cross join lateral (
        select ${columns} from ${table}
        where user_id = viewer.id and ($2::text is null or ${filterColumn} = $2)
          and (${instantColumn}, id) < ($3::timestamptz, $4::uuid)
        order by ${instantColumn} desc, id desc limit $5
      ) page`,
  };
}

const pagesOfGrants = byInstant('grants', grantColumns, 'status', 'granted_at');
const pagesOfOrders = byInstant('orders', orderColumns, 'status', 'created_at');

const pagesOfTransactions: Statement = {
  name: 'pages-of-transactions',
  text: `
    select page.* from unnest($1::uuid[]) as viewer (id) cross join lateral (
      select ${transactionColumns} from transactions
      where user_id = viewer.id and ($2::text is null or kind = $2) and version < $3::int
      order by version desc limit $4
    ) page`,
};

const pageOfAccounts: Statement = {
  name: 'page-of-accounts',
  text: 'select user_id as "userId" from balances where user_id > $1::uuid order by user_id limit $2',
};

/** The connections of an account, for many viewers at once. */
export class AccountPages {
  constructor(
    private readonly database: Queryable,
    private readonly pageMaximumCount: number,
  ) {}

  /** Each viewer's grants, newest first: one page for each, in their order. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async grants(userIds: readonly string[], request: PageRequest<GrantStatus>): Promise<Page<Grant>[]> {
    const { first, position } = this.byInstant(request);
    const rows = await this.database.query<Grant>(pagesOfGrants, [userIds, request.filter ?? null, ...position, first + 1]);
    return pagesByViewer(userIds, rows, first, request, (grant) => [grant.grantedAt, grant.id]);
  }

  /** Each viewer's orders, newest first: one page for each, in their order. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async orders(userIds: readonly string[], request: PageRequest<OrderStatus>): Promise<Page<Order>[]> {
    const { first, position } = this.byInstant(request);
    const rows = await this.database.query<Order>(pagesOfOrders, [userIds, request.filter ?? null, ...position, first + 1]);
    return pagesByViewer(userIds, rows, first, request, (order) => [order.createdAt, order.id]);
  }

  /** Each viewer's transactions, newest first: one page for each, in their order. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async transactions(userIds: readonly string[], request: PageRequest<TransactionKind>): Promise<Page<Transaction>[]> {
    const first = checkedFirst(request.first, this.pageMaximumCount);
    const [version] = request.after ? decodeCursor(request.after, ['integer']) : [MAX_VERSION];
    const values = [userIds, request.filter ?? null, Math.max(0, Math.min(version, MAX_VERSION)), first + 1];
    const rows = await this.database.query<Transaction>(pagesOfTransactions, values);
    return pagesByViewer(userIds, rows, first, request, (transaction) => [transaction.version]);
  }

  /** Viewers that have a balance row, ordered by user id. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async accounts(request: PageRequest): Promise<Page<{ userId: string }>> {
    const first = checkedFirst(request.first, this.pageMaximumCount);
    const [userId] = request.after ? decodeCursor(request.after, ['uuid']) : [MIN_UUID];
    const rows = await this.database.query<{ userId: string }>(pageOfAccounts, [userId, first + 1]);
    return pageOf(rows, first, (row) => [row.userId], request.after);
  }

  private byInstant(request: PageRequest): { first: number; position: [Date | string, string] } {
    const first = checkedFirst(request.first, this.pageMaximumCount);
    return {
      first,
      position: request.after ? decodeCursor(request.after, ['instant', 'uuid']) : [FURTHEST_INSTANT, MAX_UUID],
    };
  }
}

function pagesByViewer<Row extends { userId: string }>(
  userIds: readonly string[],
  rows: readonly Row[],
  first: number,
  request: PageRequest,
  positionOf: (row: Row) => readonly (string | number | Date)[],
): Page<Row>[] {
  const rowsOf = new Map<string, Row[]>(userIds.map((userId) => [userId, []]));
  for (const row of rows) rowsOf.get(row.userId)?.push(row);
  return userIds.map((userId) => pageOf(rowsOf.get(userId) ?? [], first, positionOf, request.after));
}
