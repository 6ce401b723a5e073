import type Stripe from 'stripe';
import type { DisputeOutcome } from '../../entities/dispute.js';
import { type Difference, money } from './difference.js';
import type { DisputeRecord, PaymentRecord } from './records.js';

type StripeDispute = Pick<Stripe.Dispute, 'id' | 'amount' | 'currency' | 'status'>;

/** How a dispute ended by Stripe's word: https://docs.stripe.com/api/disputes/object#dispute_object-status */
export function disputeOutcomeOf(stripeStatus: string): DisputeOutcome {
  if (stripeStatus === 'lost') return 'LOST';
  return ['won', 'warning_closed', 'prevented'].includes(stripeStatus) ? 'WON' : 'OPEN';
}

/** Stripe's dispute beside ours; null when they agree, or when it is about a payment that is not ours. */
export function compareDispute(
  theirs: StripeDispute,
  ours: DisputeRecord | null,
  payment: PaymentRecord | null,
): Difference | null {
  if (!payment) return null;
  const about = { kind: 'DISPUTE_DIFFERS', stripeId: theirs.id, orderId: payment.orderId, userId: payment.userId } as const;
  const outcome = disputeOutcomeOf(theirs.status);
  if (!ours) {
    const detail = `Stripe has a dispute of ${money(theirs.amount, theirs.currency)}, ${theirs.status}; here there is none.`;
    return { ...about, detail, repairable: true };
  }
  if (ours.amount !== theirs.amount) {
    const detail = `Stripe has a dispute of ${money(theirs.amount, theirs.currency)}; here it is ${money(ours.amount, ours.currency)}.`;
    // Before the money is taken the amount follows Stripe's.
    return { ...about, detail, repairable: ours.outcome === 'OPEN' && ours.funds === 'UNTOUCHED' };
  }
  if (ours.outcome === outcome) return null;
  return { ...about, detail: `Stripe says ${theirs.status}; here it is ${ours.outcome}.`, repairable: ours.outcome === 'OPEN' };
}
