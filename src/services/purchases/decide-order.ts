import type Stripe from 'stripe';
import type { Order } from '../../entities/order.js';
import { parseId } from '../ids.js';

/** A day of a subscription is always 24 hours; time zones and daylight saving time do not matter. */
export const DAY_MS = 24 * 60 * 60 * 1000;

/** The period for which a grant bought at `now` gives access: durationDays × 24 hours, end exclusive. */
export function decideTerms(durationDays: number, now: Date): { grantedAt: Date; availableUntil: Date } {
  return { grantedAt: now, availableUntil: new Date(now.getTime() + durationDays * DAY_MS) };
}

/**
 * What a request to pay does with the viewer's open order for the same thing. USE: its session is returned. REPLACE_SESSION:
 * the order continues with another session. SETTLE: Stripe has to be asked first, after which the order is closed or has a
 * session.
 */
export type OpenOrderStep = 'USE' | 'REPLACE_SESSION' | 'SETTLE';

type OpenOrder = Pick<Order, 'expiresAt' | 'returnUrl' | 'stripeSessionId' | 'cancelRequestedAt'>;

/** Stripe opens no session for less: https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at */
const MIN_SESSION_MS = 30 * 60 * 1000;

/** `order` must be OPEN. */
export function decideOpenOrder(order: OpenOrder, returnUrl: string, now: Date): OpenOrderStep {
  if (order.cancelRequestedAt || !canStillBePaid(order, now)) return 'SETTLE';
  if (order.returnUrl === returnUrl) return 'USE';
  return order.stripeSessionId ? 'REPLACE_SESSION' : 'SETTLE';
}

/** Whether the order has enough time left for Stripe to open its session. */
export const canBeOpened = (order: Pick<Order, 'expiresAt'>, now: Date): boolean =>
  order.expiresAt.getTime() - now.getTime() > MIN_SESSION_MS;

const canStillBePaid = (order: OpenOrder, now: Date): boolean =>
  order.stripeSessionId ? order.expiresAt > now : canBeOpened(order, now);

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

/** Returns the id of the order that a session's metadata or reference names; null if neither is an order id. */
export function orderNamedBy(session: Pick<Stripe.Checkout.Session, 'metadata' | 'client_reference_id'>): string | null {
  return parseId(session.metadata?.order_id ?? session.client_reference_id);
}
