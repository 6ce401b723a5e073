import type { Grant } from '../../entities/grant.js';
import type { Order } from '../../entities/order.js';
import type { Refund } from '../../entities/refund.js';
import type { Transaction } from '../../entities/transaction.js';
import { grantColumns, orderColumns, refundColumns, transactionColumns } from '../../stores/columns.js';
import { type Queryable, statement } from '../../stores/database.js';

const grantsByIds = statement('grants-by-ids')`select ${grantColumns} from grants where id = any($1::uuid[])`;
const ordersByIds = statement('orders-by-ids')`select ${orderColumns} from orders where id = any($1::uuid[])`;
const transactionsByIds = statement('transactions-by-ids')`
  select ${transactionColumns} from transactions where id = any($1::uuid[])`;
const refundsByIds = statement('refunds-by-ids')`select ${refundColumns} from refunds where id = any($1::uuid[])`;
const grantsByOrders = statement('grants-by-orders')`select ${grantColumns} from grants where order_id = any($1::uuid[])`;
const refundsByGrants = statement('refunds-by-grants')`
  select ${refundColumns} from refunds where grant_id = any($1::uuid[]) order by created_at, id`;
const transactionsByOrders = statement('transactions-by-orders')`
  select ${transactionColumns} from transactions where order_id = any($1::uuid[]) order by version`;
const transactionsByRefunds = statement('transactions-by-refunds')`
  select ${transactionColumns} from transactions where refund_id = any($1::uuid[]) order by version`;

/** Finds rows by their own ids or their parents' ids, any number at once. Unknown ids are skipped. */
export class AccountRows {
  constructor(private readonly database: Queryable) {}

  grantsByIds = (ids: readonly string[]) => this.database.query<Grant>(grantsByIds, [ids]);
  ordersByIds = (ids: readonly string[]) => this.database.query<Order>(ordersByIds, [ids]);
  transactionsByIds = (ids: readonly string[]) => this.database.query<Transaction>(transactionsByIds, [ids]);
  refundsByIds = (ids: readonly string[]) => this.database.query<Refund>(refundsByIds, [ids]);
  grantsByOrders = (orderIds: readonly string[]) => this.database.query<Grant>(grantsByOrders, [orderIds]);

  /** Oldest first, as are the next two. */
  refundsByGrants = (grantIds: readonly string[]) => this.database.query<Refund>(refundsByGrants, [grantIds]);
  transactionsByOrders = (orderIds: readonly string[]) => this.database.query<Transaction>(transactionsByOrders, [orderIds]);
  transactionsByRefunds = (refundIds: readonly string[]) => this.database.query<Transaction>(transactionsByRefunds, [refundIds]);
}
