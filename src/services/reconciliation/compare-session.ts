import type Stripe from 'stripe';
import { isPaid } from '../purchases/decide-session.js';
import { type Difference, money } from './difference.js';
import type { OrderRecord } from './our-records.js';

type Session = Pick<Stripe.Checkout.Session, 'id' | 'status' | 'payment_status' | 'amount_total' | 'currency' | 'metadata'>;

/**
 * A checkout session beside our order; null when they agree. A session that is open, expired or still waits for its payment
 * agrees with every order that is not paid: the order follows by itself. A paid one that names an order of ours which is not
 * here (a database restored to an earlier point has lost it) is told; one that names none was sold by somebody else.
 */
export function compareSession(session: Session, order: OrderRecord | null): Difference | null {
  const paid = isPaid({ status: session.status, paymentStatus: session.payment_status });
  if (!order) return paid ? paidForLostOrder(session) : null;
  const about = { stripeId: session.id, orderId: order.id, userId: order.userId };
  if (order.stripeSessionId !== null && order.stripeSessionId !== session.id) {
    return paid ? { ...about, ...paidForAnotherSession(session, order) } : null;
  }
  if (paid && order.status !== 'PAID') {
    const detail = `Stripe took ${money(session.amount_total, session.currency)}; the order is ${order.status}.`;
    return { ...about, kind: 'PAID_WITHOUT_GRANT', detail, repairable: true };
  }
  if (paid && order.kind === 'PURCHASE' && order.grantId === null) {
    return { ...about, kind: 'PAID_WITHOUT_GRANT', detail: 'The order is PAID, but there is no grant.', repairable: false };
  }
  if (!paid && order.status === 'PAID') {
    const detail = `The order is PAID; Stripe says ${session.payment_status}, session ${session.status}.`;
    return { ...about, kind: 'GRANT_WITHOUT_PAYMENT', detail, repairable: false };
  }
  return paid ? compareAmounts(session, order, about) : null;
}

function paidForLostOrder({ id, metadata, amount_total, currency }: Session): Difference | null {
  const named = metadata?.order_id;
  if (!named) return null;
  const detail = `Stripe took ${money(amount_total, currency)} for order ${named}, which is not here.`;
  return { kind: 'PAID_WITHOUT_GRANT', stripeId: id, orderId: null, userId: null, detail, repairable: false };
}

/** The order is here, with another session: either that one is to be paid still, or the order was paid twice. */
function paidForAnotherSession({ amount_total, currency }: Session, order: OrderRecord) {
  const took = `Stripe took ${money(amount_total, currency)} by another session than the order's, ${order.stripeSessionId}`;
  const detail = `${took}; the order is ${order.status}.`;
  return { kind: 'PAID_WITHOUT_GRANT' as const, detail, repairable: order.status !== 'PAID' };
}

function compareAmounts(
  session: Session,
  order: OrderRecord,
  about: Pick<Difference, 'stripeId' | 'orderId' | 'userId'>,
): Difference | null {
  const captured = session.amount_total ?? 0;
  const sameCurrency = captured === 0 || session.currency?.toUpperCase() === order.currency;
  if (sameCurrency && captured === order.capturedAmount && captured === order.toppedUp) return null;
  const here = `${money(order.capturedAmount, order.currency)} with the order and ${money(order.toppedUp, order.currency)} in the ledger`;
  const detail = `Stripe took ${money(captured, session.currency)}; here it is ${here}.`;
  return { ...about, kind: 'AMOUNT_DIFFERS', detail, repairable: false };
}

/** A PAID order whose session Stripe does not have. */
export function sessionUnknownToStripe(order: OrderRecord): Difference {
  return {
    kind: 'GRANT_WITHOUT_PAYMENT',
    stripeId: order.stripeSessionId,
    orderId: order.id,
    userId: order.userId,
    detail: `The order is PAID with ${money(order.capturedAmount, order.currency)}; ${
      order.stripeSessionId ? 'Stripe does not know its session' : 'no session of it is recorded here'
    }.`,
    repairable: false,
  };
}
