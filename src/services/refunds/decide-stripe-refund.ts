import type { RefundStatus } from '../../entities/refund.js';

export type StripeRefundConsequence = 'SUCCEED' | 'FAIL' | 'PUT_BACK' | 'NOTHING';

/**
 * What follows when Stripe says how a refund stands. A refund only moves forward (PENDING, SUCCEEDED, FAILED), so news that
 * come late, twice or in the wrong order change nothing. Source: Stripe's guide "Handle failed refunds": one that succeeded
 * can fail days later, and the money is then back with the house.
 */
export function decideStripeRefund(ours: RefundStatus, stripe: string | null): StripeRefundConsequence {
  const theirs = refundStatusOf(stripe);
  if (ours === 'FAILED') return 'NOTHING';
  if (ours === 'SUCCEEDED') return theirs === 'FAILED' ? 'PUT_BACK' : 'NOTHING';
  if (theirs === 'FAILED') return 'FAIL';
  return theirs === 'SUCCEEDED' ? 'SUCCEED' : 'NOTHING';
}

/** Where a refund stands by Stripe's word: https://docs.stripe.com/refunds#refund-statuses */
export function refundStatusOf(stripeStatus: string | null): RefundStatus {
  if (stripeStatus === 'succeeded') return 'SUCCEEDED';
  return stripeStatus === 'failed' || stripeStatus === 'canceled' ? 'FAILED' : 'PENDING';
}
