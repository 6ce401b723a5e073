import type Stripe from 'stripe';
import { stateOf } from '../disputes/decide-dispute.js';
import { type Difference, money } from './difference.js';
import type { DisputeRecord, PaymentRecord } from './records.js';

type StripeDispute = Pick<Stripe.Dispute, 'id' | 'amount' | 'currency' | 'status'>;

/** Stripe's dispute beside ours; null when they agree, or when it is about a payment that is not ours. */
export function compareDispute(
  theirs: StripeDispute,
  ours: DisputeRecord | null,
  payment: PaymentRecord | null,
): Difference | null {
  if (!payment) return null;
  const about = { kind: 'DISPUTE_DIFFERS', stripeId: theirs.id, orderId: payment.orderId, userId: payment.userId } as const;
  const state = stateOf(theirs.status);
  if (!ours) {
    const detail = `Stripe has a dispute of ${money(theirs.amount, theirs.currency)}, ${theirs.status}; here there is none.`;
    return { ...about, detail, repairable: true };
  }
  if (ours.amount !== theirs.amount) {
    const detail = `Stripe has a dispute of ${money(theirs.amount, theirs.currency)}; here it is ${money(ours.amount, ours.currency)}.`;
    // Before the money is taken the amount follows Stripe's.
    return { ...about, detail, repairable: ours.outcome === 'OPEN' && ours.funds === 'UNTOUCHED' };
  }
  // Of an inquiry that has become a chargeback only the money tells; that it was one before brings no money back.
  const taken = ours.funds === 'UNTOUCHED' && state.funds === 'WITHDRAWN';
  if (ours.outcome === state.outcome && !taken) return null;
  const detail = `Stripe says ${theirs.status}; here it is ${ours.outcome}, its money ${ours.funds}.`;
  return { ...about, detail, repairable: ours.outcome === 'OPEN' };
}
