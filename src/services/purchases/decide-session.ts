import type { Order } from '../../entities/order.js';

/** What Stripe says of a checkout session, as far as it decides. */
export interface SessionFacts {
  readonly status: string | null;
  readonly paymentStatus: string;
  /** An event, or the payment intent's state, says that a delayed payment failed for good. */
  readonly paymentFailed: boolean;
  /** Whether the order can be paid by this session now. The end of one that was replaced does not end the order. */
  readonly current: boolean;
}

export type SessionConsequence = 'FULFIL' | 'AWAIT_PAYMENT' | 'CLOSE_EXPIRED' | 'CLOSE_CANCELLED' | 'CLOSE_FAILED' | 'NOTHING';

/**
 * What follows for an order from what Stripe says. Payment wins over all else, whenever the news of it arrives; the other
 * outcomes only close an order that is under way, and nothing but the bank's answer ends one that is PROCESSING. So any order of
 * arrival leads to the same end.
 * Source: Stripe's guide "Fulfill orders" (https://docs.stripe.com/checkout/fulfillment): fulfil when payment_status is not unpaid.
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

/** Whether Stripe has all the money of the session, if there was any to pay. */
export const isPaid = ({ status, paymentStatus }: Pick<SessionFacts, 'status' | 'paymentStatus'>): boolean =>
  paymentStatus === 'paid' || (paymentStatus === 'no_payment_required' && status === 'complete');
