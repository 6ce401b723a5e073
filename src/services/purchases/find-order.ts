import type { Order } from '../../entities/order.js';
import { orderColumns } from '../../stores/columns.js';
import type { Queryable, Statement } from '../../stores/database.js';

const byId: Statement = { name: 'orders-by-id', text: `select ${orderColumns} from orders o where o.id = $1` };
const byIdLocked: Statement = { name: 'orders-by-id-locked', text: `${byId.text} for no key update` };
const bySession: Statement = {
  name: 'orders-by-session',
  text: `select ${orderColumns} from orders o where o.stripe_session_id = $1`,
};
const byPayment: Statement = {
  name: 'orders-by-payment',
  text: `select ${orderColumns} from orders o where o.stripe_payment_intent_id = $1 and o.status = 'PAID'`,
};

/** The current order; null when there is none. `id` must be a UUID. */
export async function findOrder(database: Queryable, id: string): Promise<Order | null> {
  return (await database.query<Order>(byId, [id]))[0] ?? null;
}

/** The current order, which must exist: orders are never deleted. */
export async function orderById(database: Queryable, id: string): Promise<Order> {
  const order = await findOrder(database, id);
  if (!order) throw new Error(`order ${id} is gone`);
  return order;
}

/** Locks the order; the viewer's lock must be held already. */
export async function lockOrder(tx: Queryable, id: string): Promise<Order | null> {
  return (await tx.query<Order>(byIdLocked, [id]))[0] ?? null;
}

/** The order that has the session recorded; null when there is none. */
export async function findOrderOfSession(database: Queryable, stripeSessionId: string): Promise<Order | null> {
  return (await database.query<Order>(bySession, [stripeSessionId]))[0] ?? null;
}

/** The fulfilled order that was paid by this payment. */
export async function findOrderOfPayment(database: Queryable, paymentIntentId: string): Promise<Order | null> {
  return (await database.query<Order>(byPayment, [paymentIntentId]))[0] ?? null;
}
