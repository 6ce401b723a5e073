import type { Grant } from '../../entities/grant.js';
import type { Order } from '../../entities/order.js';
import type { Refund } from '../../entities/refund.js';
import { grantColumns, orderColumns, refundColumns } from '../../stores/columns.js';
import { type Queryable, statement } from '../../stores/database.js';
import { newId } from '../ids.js';
import type { Unit } from '../ledger/unit.js';
import type { GrantFacts } from './decide-refund.js';

const byId = statement('refunds-by-id')`select ${refundColumns} from refunds r where r.id = $1`;
const byIdLocked = statement('refunds-by-id-locked')`${byId.text} for no key update`;
const byStripeId = statement('refunds-by-stripe-id')`select ${refundColumns} from refunds r where r.stripe_refund_id = $1`;

const insertRefund = statement('refunds-insert')`
    insert into refunds as r (id, user_id, origin, destination, status, amount, currency, unused_days, grant_id, transaction_id,
      order_id, stripe_refund_id, requested_by, created_at, completed_at, attempts, next_attempt_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) returning ${refundColumns}`;
const paymentOfOrder = statement('refunds-payment-of-order')`select stripe_payment_intent_id as "paymentIntentId" from orders
    where id = $1`;
/** The order of the refund that has this id at Stripe recorded, or else the one that the payment paid. */
const orderOfStripeRefund = statement('refunds-order-of-stripe-refund')`select ${orderColumns} from orders o
    where o.id = coalesce(
    (select r.order_id from refunds r where r.stripe_refund_id = $1),
    (select p.id from orders p where p.stripe_payment_intent_id = $2 and p.status = 'PAID'))`;

/** What is left of a payment: captured, less all refunds of it that have not failed, less what disputes took. */
const LEFT_ON_PAYMENT = `(coalesce((select o.captured_amount from orders o where o.id = ORDER and o.status = 'PAID'), 0)
  - coalesce((select sum(p.amount) from refunds p where p.order_id = ORDER and p.status <> 'FAILED'), 0)
  - coalesce((select sum(greatest(d.withdrawn - d.reinstated, 0)) from disputes d where d.order_id = ORDER), 0))::bigint`;
/** A dispute that is open or lost: Stripe refunds nothing more of its payment, whatever is left. */
const CHARGED_BACK = `d.outcome <> 'WON' and d.funds <> 'UNTOUCHED'`;

const factsOfGrants = statement('refunds-facts-of-grants')`select ${grantColumns}, p.paid,
      p.paid - coalesce((select sum(b.amount) from transactions b
          where b.grant_id = g.id and b.kind <> 'SPENDING' and b.counter_account = 'REVENUE'), 0)::bigint as spent,
      ${LEFT_ON_PAYMENT.replaceAll('ORDER', 'g.order_id')} as "leftOnPayment",
      exists (select from disputes d where d.order_id = g.order_id and ${CHARGED_BACK}) as "chargedBack",
      coalesce((select b.posted - b.held from balances b where b.user_id = g.user_id), 0) as available
    from grants g cross join lateral (
      select - coalesce((select s.amount from transactions s where s.grant_id = g.id and s.kind = 'SPENDING'), 0) as paid
    ) p where g.id = any($1::uuid[])`;
const factsOfGrantLocked = statement('refunds-facts-of-grant-locked')`${factsOfGrants.text} for no key update of g`;
const leftOnPayments = statement('refunds-left-on-payments')`
    select paid.id, ${LEFT_ON_PAYMENT.replaceAll('ORDER', 'paid.id')} as "leftOnPayment" from orders paid where paid.id = any($1::uuid[])`;
const ordersChargedBack = statement('refunds-orders-charged-back')`select distinct d.order_id as id from disputes d
    where d.order_id = any($1::uuid[]) and ${CHARGED_BACK}`;
const ordersWithLivingGrant = statement('refunds-orders-with-living-grant')`select order_id as id from grants
    where order_id = any($1::uuid[])
    and (status = 'SUSPENDED' or (status = 'ACTIVE' and available_until > $2))`;

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

/** A grant, with what decides its refund. */
export type RefundableGrant = GrantFacts & { readonly grant: Grant };

type GrantRow = Grant & Omit<GrantFacts, 'grant'>;

function withFacts({ paid, spent, leftOnPayment, chargedBack, available, ...grant }: GrantRow): RefundableGrant {
  return { grant, paid, spent, leftOnPayment, chargedBack, available };
}

/** The grants by their ids, each with what is left of its money and the viewer's available balance. One statement for all. */
export async function findRefundable(database: Queryable, grantIds: readonly string[]): Promise<Map<string, RefundableGrant>> {
  const rows = await database.query<GrantRow>(factsOfGrants, [grantIds]);
  return new Map(rows.map((row) => [row.id, withFacts(row)]));
}

/** Locks the grant, which must exist; the viewer's lock must be held already. */
export async function lockRefundable(tx: Queryable, grantId: string): Promise<RefundableGrant> {
  const [row] = await tx.query<GrantRow>(factsOfGrantLocked, [[grantId]]);
  if (!row) throw new Error(`grant ${grantId} is gone`);
  return withFacts(row);
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

/** The payment that the refund returns. */
export async function paymentOf(database: Queryable, refund: Refund): Promise<string> {
  const [order] = await database.query<{ paymentIntentId: string | null }>(paymentOfOrder, [refund.orderId]);
  if (!order?.paymentIntentId) throw new Error(`refund ${refund.id} has no payment`);
  return order.paymentIntentId;
}

/** The order behind Stripe's refund of a payment; null when it is not ours, or not fulfilled yet. */
export async function findOrderOfRefund(tx: Queryable, stripeRefundId: string, paymentIntentId: string): Promise<Order | null> {
  return (await tx.query<Order>(orderOfStripeRefund, [stripeRefundId, paymentIntentId]))[0] ?? null;
}

export type NewRefund = Pick<Refund, 'userId' | 'origin' | 'destination' | 'status' | 'amount' | 'currency'> & Partial<Refund>;

/** Writes the refund's row; the database rejects more than the payment captured. */
export async function recordRefund(unit: Unit, refund: NewRefund): Promise<Refund> {
  const { now } = unit;
  const [row] = await unit.tx.query<Refund>(insertRefund, [
    newId(),
    refund.userId,
    refund.origin,
    refund.destination,
    refund.status,
    refund.amount,
    refund.currency,
    refund.unusedDays ?? null,
    refund.grantId ?? null,
    refund.transactionId ?? null,
    refund.orderId ?? null,
    refund.stripeRefundId ?? null,
    refund.requestedBy ?? null,
    now,
    refund.status === 'PENDING' ? null : now,
    refund.attempts ?? 0,
    refund.nextAttemptAt ?? null,
  ]);
  if (!row) throw new Error('an inserted refund was not returned');
  unit.changed('REFUND', row.id);
  return row;
}
