import type { Order } from '../../entities/order.js';

/** The facts about a checkout session at Stripe that decide what follows. */
export interface SessionFacts {
  readonly status: string | null;
  readonly paymentStatus: string;
  /** An event, or the payment intent's state, says that a delayed payment failed permanently. */
  readonly paymentFailed: boolean;
  /** Whether this is the order's current session. The end of a session that was replaced does not end the order. */
  readonly current: boolean;
}

export type SessionConsequence = 'FULFIL' | 'AWAIT_PAYMENT' | 'CLOSE_EXPIRED' | 'CLOSE_CANCELLED' | 'CLOSE_FAILED' | 'NOTHING';

/**
 * What Stripe's state of a session means for its order. Payment wins over everything else, whenever it is reported; the other
 * outcomes only close an order that is still open, and nothing but the bank's answer ends one that is PROCESSING. So events
 * lead to the same result in any order of arrival. Source: Stripe's guide "Fulfill orders"
 * (https://docs.stripe.com/checkout/fulfillment): fulfil when payment_status is not unpaid.
 */
export function decideSession(order: Pick<Order, 'status' | 'cancelRequestedAt'>, session: SessionFacts): SessionConsequence {
  if (order.status === 'PAID') return 'NOTHING';
  if (isPaid(session)) return 'FULFIL';
  if (order.status === 'PROCESSING') return session.paymentFailed ? 'CLOSE_FAILED' : 'NOTHING';
  if (order.status !== 'OPEN') return 'NOTHING';
  if (session.status === 'expired') {
    if (!session.current) return 'NOTHING';
    return order.cancelRequestedAt ? 'CLOSE_CANCELLED' : 'CLOSE_EXPIRED';
  }
  if (session.paymentFailed) return 'CLOSE_FAILED';
  return session.status === 'complete' ? 'AWAIT_PAYMENT' : 'NOTHING';
}

/** Whether Stripe has received all of the session's money, if there was any to pay. */
export const isPaid = ({ status, paymentStatus }: Pick<SessionFacts, 'status' | 'paymentStatus'>): boolean =>
  paymentStatus === 'paid' || (paymentStatus === 'no_payment_required' && status === 'complete');
