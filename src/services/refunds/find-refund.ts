import type { Refund } from '../../entities/refund.js';
import { refundColumns } from '../../stores/columns.js';
import type { Queryable, Statement } from '../../stores/database.js';
import type { GrantFacts } from './decide-refund.js';

const byId: Statement = { name: 'refunds-by-id', text: `select ${refundColumns} from refunds r where r.id = $1` };
const byIdLocked: Statement = { name: 'refunds-by-id-locked', text: `${byId.text} for no key update` };
const byStripeId: Statement = {
  name: 'refunds-by-stripe-id',
  text: `select ${refundColumns} from refunds r where r.stripe_refund_id = $1`,
};

/** What is left of a payment: captured, less all refunds of it that have not failed, less what disputes took. */
const LEFT_ON_PAYMENT = `(coalesce((select o.captured_amount from orders o where o.id = ORDER and o.status = 'PAID'), 0)
  - coalesce((select sum(p.amount) from refunds p where p.order_id = ORDER and p.status <> 'FAILED'), 0)
  - coalesce((select sum(greatest(d.withdrawn - d.reinstated, 0)) from disputes d where d.order_id = ORDER), 0))::bigint`;
/** A dispute that is open or lost: Stripe refunds nothing more of its payment, whatever is left. */
const CHARGED_BACK = `d.outcome <> 'WON' and d.funds <> 'UNTOUCHED'`;

const factsOfGrants: Statement = {
  name: 'refunds-facts-of-grants',
  text: `select g.id, p.paid,
      p.paid - coalesce((select sum(b.amount) from transactions b
          where b.grant_id = g.id and b.kind <> 'SPENDING' and b.counter_account = 'REVENUE'), 0)::bigint as spent,
      ${LEFT_ON_PAYMENT.replaceAll('ORDER', 'g.order_id')} as "leftOnPayment",
      exists (select from disputes d where d.order_id = g.order_id and ${CHARGED_BACK}) as "chargedBack",
      coalesce((select b.posted - b.held from balances b where b.user_id = g.user_id), 0) as available
    from grants g cross join lateral (
      select - coalesce((select s.amount from transactions s where s.grant_id = g.id and s.kind = 'SPENDING'), 0) as paid
    ) p where g.id = any($1::uuid[])`,
};
const leftOnPayments: Statement = {
  name: 'refunds-left-on-payments',
  text: `select paid.id, ${LEFT_ON_PAYMENT.replaceAll('ORDER', 'paid.id')} as "leftOnPayment" from orders paid where paid.id = any($1::uuid[])`,
};
const ordersChargedBack: Statement = {
  name: 'refunds-orders-charged-back',
  text: `select distinct d.order_id as id from disputes d where d.order_id = any($1::uuid[]) and ${CHARGED_BACK}`,
};
const ordersWithLivingGrant: Statement = {
  name: 'refunds-orders-with-living-grant',
  text: `select order_id as id from grants where order_id = any($1::uuid[])
    and (status = 'SUSPENDED' or (status = 'ACTIVE' and available_until > $2))`,
};

/** The current refund; null when there is none. `id` must be a UUID. */
export async function findRefund(database: Queryable, id: string): Promise<Refund | null> {
  return (await database.query<Refund>(byId, [id]))[0] ?? null;
}

/** Locks the refund; the viewer's lock must be held already. */
export async function lockRefund(tx: Queryable, id: string): Promise<Refund | null> {
  return (await tx.query<Refund>(byIdLocked, [id]))[0] ?? null;
}

/** The refund with this id at Stripe; null when it is not ours, or its id is not recorded yet. */
export async function findRefundByStripeId(database: Queryable, stripeRefundId: string): Promise<Refund | null> {
  return (await database.query<Refund>(byStripeId, [stripeRefundId]))[0] ?? null;
}

/** The facts of each grant by its id: what is left of its money, and the viewer's available balance. One statement for all. */
export async function readGrantFacts(
  database: Queryable,
  grantIds: readonly string[],
): Promise<Map<string, Omit<GrantFacts, 'grant'>>> {
  type Row = Omit<GrantFacts, 'grant'> & { id: string };
  const rows = await database.query<Row>(factsOfGrants, [grantIds]);
  return new Map(rows.map((row) => [row.id, row]));
}

/** What is left of each order's payment, in minor units, by the order's id. One statement for all. */
export async function readLeftOnPayments(database: Queryable, orderIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await database.query<{ id: string; leftOnPayment: number }>(leftOnPayments, [orderIds]);
  return new Map(rows.map((row) => [row.id, row.leftOnPayment]));
}

/** Those of the orders whose payment has an open or lost dispute: Stripe refunds nothing of them. */
export async function readChargedBack(database: Queryable, orderIds: readonly string[]): Promise<ReadonlySet<string>> {
  const rows = await database.query<{ id: string }>(ordersChargedBack, [orderIds]);
  return new Set(rows.map(({ id }) => id));
}

/** Those of the orders that bought a grant which has not ended at `now`. */
export async function readWithLivingGrant(
  database: Queryable,
  orderIds: readonly string[],
  now: Date,
): Promise<ReadonlySet<string>> {
  const rows = await database.query<{ id: string }>(ordersWithLivingGrant, [orderIds, now]);
  return new Set(rows.map(({ id }) => id));
}
