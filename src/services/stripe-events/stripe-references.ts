import type Stripe from 'stripe';
import { parseId } from '../ids.js';

/** The id behind what Stripe gives as an id, or as the object where it was asked to expand it; null for nothing. */
export const idOf = (reference: string | { id: string } | null | undefined): string | null =>
  typeof reference === 'object' ? (reference?.id ?? null) : (reference ?? null);

/** The order that a session was opened for, by its metadata or its reference; null when neither names one as ours do. */
export function orderNamedBy(session: Pick<Stripe.Checkout.Session, 'metadata' | 'client_reference_id'>): string | null {
  return parseId(session.metadata?.order_id ?? session.client_reference_id);
}
