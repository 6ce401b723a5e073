import type Stripe from 'stripe';
import { parseId } from '../ids.js';

/** Returns the id of a reference, which Stripe sends as an id or as an expanded object; null if there is none. */
export const idOf = (reference: string | { id: string } | null | undefined): string | null =>
  typeof reference === 'object' ? (reference?.id ?? null) : (reference ?? null);

/** Returns the id of the order that a session's metadata or reference names; null if neither is an order id. */
export function orderNamedBy(session: Pick<Stripe.Checkout.Session, 'metadata' | 'client_reference_id'>): string | null {
  return parseId(session.metadata?.order_id ?? session.client_reference_id);
}
