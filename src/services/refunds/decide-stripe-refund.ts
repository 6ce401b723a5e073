import type Stripe from 'stripe';
import type { Refund, RefundStatus } from '../../entities/refund.js';
import { parseId } from '../ids.js';
import { idOf } from '../stripe-events/stripe-references.js';

export type StripeRefundConsequence = 'SUCCEED' | 'SUCCEED_AFTER_ALL' | 'FAIL' | 'PUT_BACK' | 'NAME' | 'NOTHING';

/** The part of our refund that decides what news about it means. */
export type OurRefund = Pick<Refund, 'status' | 'stripeRefundId'>;

/**
 * What follows from Stripe's status of a refund. A refund only moves forward (PENDING, SUCCEEDED, FAILED), so news that arrives
 * late, twice or out of order changes nothing. Source: Stripe's guide "Handle failed refunds": a refund that succeeded can fail
 * days later, and Stripe then has the money again. One that was abandoned here (FAILED before Stripe was known to have it) may
 * still succeed there; one that Stripe itself reported as failed never does.
 */
export function decideStripeRefund(ours: OurRefund, stripe: string | null): StripeRefundConsequence {
  const theirs = refundStatusOf(stripe);
  if (ours.status === 'FAILED') {
    if (ours.stripeRefundId !== null || theirs === 'PENDING') return 'NOTHING';
    return theirs === 'SUCCEEDED' ? 'SUCCEED_AFTER_ALL' : 'NAME';
  }
  if (ours.status === 'SUCCEEDED') return theirs === 'FAILED' ? 'PUT_BACK' : 'NOTHING';
  if (theirs === 'FAILED') return 'FAIL';
  return theirs === 'SUCCEEDED' ? 'SUCCEED' : 'NAME';
}

/** Our status for Stripe's status of a refund: https://docs.stripe.com/refunds#refund-statuses */
export function refundStatusOf(stripeStatus: string | null): RefundStatus {
  if (stripeStatus === 'succeeded') return 'SUCCEEDED';
  return stripeStatus === 'failed' || stripeStatus === 'canceled' ? 'FAILED' : 'PENDING';
}

/** The id of our refund in the metadata of Stripe's, where our requests put it; null when there is none. */
export function refundNamedBy({ metadata }: Pick<Stripe.Refund, 'metadata'>): string | null {
  return parseId(metadata?.refund_id);
}

/**
 * Rule 8: whether Stripe's refund is the one that we requested: it has the id that we recorded or, while none is recorded, our
 * metadata and our payment, amount and currency. Anybody can copy metadata in Stripe's dashboard.
 */
export function isOurRefund(
  theirs: Pick<Stripe.Refund, 'id' | 'amount' | 'currency' | 'metadata' | 'payment_intent'>,
  ours: Pick<Refund, 'id' | 'origin' | 'destination' | 'stripeRefundId' | 'amount' | 'currency'>,
  paymentIntentId: string | null,
): boolean {
  if (ours.stripeRefundId !== null) return ours.stripeRefundId === theirs.id;
  return (
    ours.origin === 'REQUEST' &&
    ours.destination === 'CARD' &&
    refundNamedBy(theirs) === ours.id &&
    paymentIntentId !== null &&
    idOf(theirs.payment_intent) === paymentIntentId &&
    theirs.amount === ours.amount &&
    theirs.currency.toUpperCase() === ours.currency
  );
}
