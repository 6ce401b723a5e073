import type Stripe from 'stripe';
import { decideStripeRefund, isOurRefund, refundNamedBy, refundStatusOf } from '../refunds/decide-stripe-refund.js';
import { type Difference, money } from './difference.js';
import type { PaymentRecord, RefundRecord } from './our-records.js';

type StripeRefund = Pick<Stripe.Refund, 'id' | 'amount' | 'currency' | 'status' | 'metadata' | 'payment_intent'>;

/** Of the records that Stripe's refund has the id of or names, the one that it is by rule 8; null when it is none of them. */
export const ourRefundOf = (theirs: StripeRefund, records: readonly RefundRecord[], payment: PaymentRecord | null) =>
  records.find((record) => isOurRefund(theirs, record, payment?.paymentIntentId ?? null)) ?? null;

/** Stripe's refund beside ours; null when they agree, or when it is of a payment that is not ours. */
export function compareRefund(theirs: StripeRefund, ours: RefundRecord | null, payment: PaymentRecord | null): Difference | null {
  if (!payment) return null;
  const about = { kind: 'REFUND_DIFFERS', stripeId: theirs.id, orderId: payment.orderId, userId: payment.userId } as const;
  const status = refundStatusOf(theirs.status);
  const there = `Stripe has a refund of ${money(theirs.amount, theirs.currency)}, ${status}`;
  if (theirs.currency.toUpperCase() !== payment.currency) {
    return { ...about, detail: `${there}; its order is in ${payment.currency}: it is never booked.`, repairable: false };
  }
  if (!ours) return { ...about, detail: `${there}; here there is none.`, repairable: true };
  if (ours.amount !== theirs.amount) {
    return { ...about, detail: `${there}; here it is ${money(ours.amount, ours.currency)}.`, repairable: false };
  }
  if (ours.status !== status) {
    const repairable = !['NAME', 'NOTHING'].includes(decideStripeRefund(ours, theirs.status));
    return { ...about, detail: `Stripe says ${status}; here it is ${ours.status}.`, repairable };
  }
  const named = refundNamedBy(theirs);
  if (named === null || named === ours.id || ours.origin === 'REQUEST') return null;
  const detail = `${there}, which names our refund ${named} and is not it: booked as made at Stripe.`;
  return { ...about, detail, repairable: false };
}

/** A refund that is done here and that Stripe does not have. */
export function refundUnknownToStripe(ours: RefundRecord): Difference {
  return {
    kind: 'REFUND_DIFFERS',
    stripeId: ours.stripeRefundId,
    orderId: ours.orderId,
    userId: ours.userId,
    detail: `Here a refund of ${money(ours.amount, ours.currency)} is ${ours.status}; Stripe does not know it.`,
    repairable: false,
  };
}
