import type { Grant } from '../../entities/grant.js';
import type { Order } from '../../entities/order.js';
import type { Refund } from '../../entities/refund.js';
import type { Transaction } from '../../entities/transaction.js';
import type { Queryable, Statement } from '../../stores/database.js';
import { grantColumns, orderColumns, refundColumns, transactionColumns } from './columns.js';

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

/**
 * What is left of a payment: what it captured, less its refunds, no more than the balance covers; nothing once a dispute
 * has taken it or may.
 */
const refundableByOrders: Statement = {
  name: 'refundable-by-orders',
  text: `
    select o.id as "orderId", greatest(0, least(
      o.captured_amount - coalesce(
        (select sum(r.amount)::bigint from refunds r where r.order_id = o.id and r.status <> 'FAILED'), 0),
      b.posted - b.held)) as amount
    from orders o join balances b on b.user_id = o.user_id
    where o.id = any($1::uuid[]) and o.status = 'PAID'
      and not exists (select from disputes d where d.order_id = o.id and d.outcome <> 'WON')`,
};

/** Rows found by their own ids or by those of their parents, any number at once. Ids that are not there give nothing. */
export class HistoryRows {
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

  /** What of each paid order can still go back to its card, in minor units; orders with nothing left may be missing. */
  refundableByOrders = (orderIds: readonly string[]) =>
    this.database.query<{ orderId: string; amount: number }>(refundableByOrders, [orderIds]);
}
