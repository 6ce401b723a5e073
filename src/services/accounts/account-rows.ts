import type { Grant } from '../../entities/grant.js';
import type { Order } from '../../entities/order.js';
import type { Refund } from '../../entities/refund.js';
import type { Transaction } from '../../entities/transaction.js';
import { grantColumns, orderColumns, refundColumns, transactionColumns } from '../../stores/columns.js';
import type { Queryable, Statement } from '../../stores/database.js';

const grantsByIds: Statement = {
  name: 'grants-by-ids',
  text: `select ${grantColumns} from grants where id = any($1::uuid[])`,
};
const ordersByIds: Statement = {
  name: 'orders-by-ids',
  text: `select ${orderColumns} from orders where id = any($1::uuid[])`,
};
const transactionsByIds: Statement = {
  name: 'transactions-by-ids',
  text: `select ${transactionColumns} from transactions where id = any($1::uuid[])`,
};
const refundsByIds: Statement = {
  name: 'refunds-by-ids',
  text: `select ${refundColumns} from refunds where id = any($1::uuid[])`,
};
const grantsByOrders: Statement = {
  name: 'grants-by-orders',
  text: `select ${grantColumns} from grants where order_id = any($1::uuid[])`,
};
const refundsByGrants: Statement = {
  name: 'refunds-by-grants',
  text: `select ${refundColumns} from refunds where grant_id = any($1::uuid[]) order by created_at, id`,
};
const transactionsByOrders: Statement = {
  name: 'transactions-by-orders',
  text: `select ${transactionColumns} from transactions where order_id = any($1::uuid[]) order by version`,
};
const transactionsByRefunds: Statement = {
  name: 'transactions-by-refunds',
  text: `select ${transactionColumns} from transactions where refund_id = any($1::uuid[]) order by version`,
};

/** Finds rows by their own ids or their parents' ids, any number at once. Unknown ids are skipped. */
export class AccountRows {
  constructor(private readonly database: Queryable) {}

  grantsByIds = (ids: readonly string[]) => this.database.query<Grant>(grantsByIds, [ids]);
  ordersByIds = (ids: readonly string[]) => this.database.query<Order>(ordersByIds, [ids]);
  transactionsByIds = (ids: readonly string[]) => this.database.query<Transaction>(transactionsByIds, [ids]);
  refundsByIds = (ids: readonly string[]) => this.database.query<Refund>(refundsByIds, [ids]);
  grantsByOrders = (orderIds: readonly string[]) => this.database.query<Grant>(grantsByOrders, [orderIds]);

  /** Oldest first. */
  refundsByGrants = (grantIds: readonly string[]) => this.database.query<Refund>(refundsByGrants, [grantIds]);

  /** Oldest first. */
  transactionsByOrders = (orderIds: readonly string[]) => this.database.query<Transaction>(transactionsByOrders, [orderIds]);

  /** Oldest first. */
  transactionsByRefunds = (refundIds: readonly string[]) => this.database.query<Transaction>(transactionsByRefunds, [refundIds]);
}
