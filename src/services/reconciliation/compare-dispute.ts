import { type DisputeNews, mergeDispute, stateOf, takenBy } from '../disputes/decide-dispute.js';
import { type Difference, money } from './difference.js';
import type { DisputeRecord, PaymentRecord } from './our-records.js';

type StripeDispute = DisputeNews & { readonly id: string };

/** Stripe's dispute beside ours; null when they agree, or when it is about a payment that is not ours. */
export function compareDispute(
  theirs: StripeDispute,
  ours: DisputeRecord | null,
  payment: PaymentRecord | null,
): Difference | null {
  if (!payment) return null;
  const about = { kind: 'DISPUTE_DIFFERS', stripeId: theirs.id, orderId: payment.orderId, userId: payment.userId } as const;
  const news = stateOf(theirs);
  const there = `Stripe has a dispute of ${money(theirs.amount, theirs.currency)}, ${theirs.status}, ${takenBy(news)} taken`;
  if (theirs.currency.toUpperCase() !== payment.currency) {
    return { ...about, detail: `${there}; its order is in ${payment.currency}: it is never booked.`, repairable: false };
  }
  if (!ours) return { ...about, detail: `${there}; here there is none.`, repairable: true };
  const merged = mergeDispute(ours, theirs);
  const moves = merged.outcome !== ours.outcome || merged.amount !== ours.amount || takenBy(merged) !== takenBy(ours);
  if (!moves && news.outcome === ours.outcome && theirs.amount === ours.amount) return null;
  const here = `here it is of ${money(ours.amount, ours.currency)}, ${ours.outcome}, ${takenBy(ours)} taken`;
  return { ...about, detail: `${there}; ${here}.`, repairable: moves };
}

/** A dispute that is here and that Stripe does not have. */
export function disputeUnknownToStripe(ours: DisputeRecord): Difference {
  const { stripeDisputeId, orderId, userId, amount, currency, outcome } = ours;
  const detail = `Here a dispute of ${money(amount, currency)} is ${outcome}, ${takenBy(ours)} taken; Stripe does not know it.`;
  return { kind: 'DISPUTE_DIFFERS', stripeId: stripeDisputeId, orderId, userId, detail, repairable: false };
}
