import type { Order } from '../../entities/order.js';
import type { Queryable, Statement } from '../../stores/database.js';
import { orderColumns } from '../columns.js';
import { newId } from '../new-id.js';

const openPurchase: Statement = {
  name: 'purchases-open-purchase',
  text: `select ${orderColumns} from orders o
    where user_id = $1 and version_id = $2 and status = 'OPEN' and kind = 'PURCHASE' for no key update`,
};
const openTopUp: Statement = {
  name: 'purchases-open-top-up',
  text: `select ${orderColumns} from orders o
    where user_id = $1 and amount = $2 and currency = $3 and status = 'OPEN' and kind = 'TOP_UP' for no key update`,
};
const insertOrder: Statement = {
  name: 'purchases-insert-order',
  text: `insert into orders as o (id, user_id, kind, status, amount, currency, version_id, created_at, expires_at, return_url)
    values ($1, $2, $3, 'OPEN', $4, $5, $6, $7, $8, $9) returning ${orderColumns}`,
};
const closeStaleOrder: Statement = {
  name: 'purchases-close-stale-order',
  text: `update orders set status = 'EXPIRED', closed_at = $2 where id = $1 and status = 'OPEN'`,
};
const closeUnopenedOrder: Statement = {
  name: 'purchases-close-unopened-order',
  text: `update orders set status = 'EXPIRED', closed_at = $2 where id = $1 and status = 'OPEN' and stripe_session_id is null`,
};

/** What an order is to be opened for. */
export interface OrderIntent {
  readonly userId: string;
  readonly kind: Order['kind'];
  readonly amount: number;
  readonly currency: string;
  readonly versionId: string | null;
  readonly returnUrl: string;
  readonly expiresAt: Date;
}

/** Stripe opens no session for less: https://docs.stripe.com/api/checkout/sessions/create */
const SHORTEST_SESSION_MS = 30 * 60 * 1000;

/** Whether enough of the order's time is left for Stripe to open its session. */
export function canBeOpened(order: Order, now: Date): boolean {
  const lifetimeMs = order.expiresAt.getTime() - order.createdAt.getTime();
  // Half a minute is for the request that has just made the order and is at Stripe, should the lifetime be the shortest.
  return order.expiresAt.getTime() - now.getTime() > Math.min(SHORTEST_SESSION_MS, lifetimeMs - 30_000);
}

/** The job that closes orders puts their expiry off to share them out, so the lifetime counts too. */
function canStillBePaid(order: Order, intent: OrderIntent, now: Date): boolean {
  if (order.awaitingPayment) return true;
  if (!order.stripeSessionId) return canBeOpened(order, now);
  const lifetimeMs = intent.expiresAt.getTime() - now.getTime();
  return Math.min(order.expiresAt.getTime(), order.createdAt.getTime() + lifetimeMs) > now.getTime();
}

/**
 * Closes an open order that has no session. Stripe may have made one and not told of it: nobody has its address, and should
 * it be paid all the same, the order is still fulfilled.
 */
export async function closeUnopened(database: Queryable, orderId: string, now: Date): Promise<void> {
  await database.query(closeUnopenedOrder, [orderId, now]);
}

/**
 * The viewer's open order for the same thing, or a new one: while one is open, asking again gives the same. One whose time
 * is over is closed first (a payment that comes all the same is still fulfilled). The viewer's lock must be held.
 */
export async function openOrder(transaction: Queryable, intent: OrderIntent, now: Date): Promise<Order> {
  const [open] = intent.versionId
    ? await transaction.query<Order>(openPurchase, [intent.userId, intent.versionId])
    : await transaction.query<Order>(openTopUp, [intent.userId, intent.amount, intent.currency]);
  if (open && canStillBePaid(open, intent, now)) return open;
  if (open) await transaction.query(closeStaleOrder, [open.id, now]);
  const values = [newId(), intent.userId, intent.kind, intent.amount, intent.currency, intent.versionId, now, intent.expiresAt];
  const [order] = await transaction.query<Order>(insertOrder, [...values, intent.returnUrl]);
  if (!order) throw new Error('an inserted order did not come back');
  return order;
}
