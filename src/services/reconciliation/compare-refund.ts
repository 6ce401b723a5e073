import type Stripe from 'stripe';
import { refundStatusOf } from '../refunds/decide-stripe-refund.js';
import { type Difference, money } from './difference.js';
import type { PaymentRecord, RefundRecord } from './records.js';

type StripeRefund = Pick<Stripe.Refund, 'id' | 'amount' | 'currency' | 'status'>;

/** Stripe's refund beside ours; null when they agree, or when it is of a payment that is not ours. */
export function compareRefund(theirs: StripeRefund, ours: RefundRecord | null, payment: PaymentRecord | null): Difference | null {
  if (!payment) return null;
  const about = { kind: 'REFUND_DIFFERS', stripeId: theirs.id, orderId: payment.orderId, userId: payment.userId } as const;
  const status = refundStatusOf(theirs.status);
  if (!ours) {
    const detail = `Stripe has a refund of ${money(theirs.amount, theirs.currency)}, ${status}; here there is none.`;
    return { ...about, detail, repairable: true };
  }
  if (ours.amount !== theirs.amount || ours.currency !== theirs.currency.toUpperCase()) {
    const detail = `Stripe gives back ${money(theirs.amount, theirs.currency)}; here it is ${money(ours.amount, ours.currency)}.`;
    return { ...about, detail, repairable: false };
  }
  if (ours.status === status) return null;
  // Here a refund only moves forward: PENDING, SUCCEEDED, FAILED.
  const repairable = ours.status !== 'FAILED' && status !== 'PENDING';
  return { ...about, detail: `Stripe says ${status}; here it is ${ours.status}.`, repairable };
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
