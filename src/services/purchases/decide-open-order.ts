import type { Order } from '../../entities/order.js';

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
