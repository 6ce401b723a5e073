import type { OrderStatus } from '../../entities/order.js';

/** What Stripe says of a checkout session, as far as it decides. */
export interface SessionFacts {
  readonly status: string | null;
  readonly paymentStatus: string;
  /** An event, or the payment intent's state, says that a delayed payment failed for good. */
  readonly paymentFailed: boolean;
}

export type SessionConsequence = 'FULFIL' | 'AWAIT_PAYMENT' | 'CLOSE_EXPIRED' | 'CLOSE_FAILED' | 'NOTHING';

/**
 * What follows for an order from what Stripe says. Payment wins over all else, whenever the news of it comes; the other
 * ends only close an order that is open. So any order of arrival ends the same.
 * Source: Stripe's guide "Fulfill orders": fulfil when payment_status is not unpaid.
 */
export function decideSession(orderStatus: OrderStatus, session: SessionFacts): SessionConsequence {
  if (orderStatus === 'PAID') return 'NOTHING';
  if (isPaid(session)) return 'FULFIL';
  if (orderStatus !== 'OPEN') return 'NOTHING';
  if (session.status === 'expired') return 'CLOSE_EXPIRED';
  if (session.paymentFailed) return 'CLOSE_FAILED';
  return session.status === 'complete' ? 'AWAIT_PAYMENT' : 'NOTHING';
}

/** Whether Stripe has all the money of the session, if there was any to pay. */
export const isPaid = ({ status, paymentStatus }: Pick<SessionFacts, 'status' | 'paymentStatus'>): boolean =>
  paymentStatus === 'paid' || (paymentStatus === 'no_payment_required' && status === 'complete');
