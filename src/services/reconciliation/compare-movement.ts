import type Stripe from 'stripe';
import { idOf } from '../stripe-events/stripe-references.js';
import { type Difference, money } from './difference.js';
import type { MovedRecord } from './our-records.js';

/** What Stripe has moved for one payment, refund or dispute, fees left aside. */
export interface Movement {
  readonly kind: 'PAYMENT' | 'REFUND' | 'DISPUTE';
  /** Of the payment intent, refund or dispute. */
  readonly stripeId: string;
  /** In minor units; what left is negative, what left and came back is 0. */
  readonly amount: number;
  readonly currency: string;
}

/**
 * The movement behind a balance transaction whose source is expanded. Null for what is none of a payment's (a payout, a fee
 * of Stripe's), and for money that Stripe has changed into the account's currency: there its amount is another than the
 * viewer's, and what is compared of session, refund and dispute has to do.
 * Sources: https://docs.stripe.com/api/balance_transactions/object and https://docs.stripe.com/reports/balance-transaction-types
 */
export function movementOf({ source, amount, currency }: Stripe.BalanceTransaction): Movement | null {
  if (source === null || typeof source === 'string') return null;
  if (!('currency' in source) || source.currency !== currency) return null;
  if (source.object === 'charge') {
    const stripeId = idOf(source.payment_intent);
    return stripeId ? { kind: 'PAYMENT', stripeId, amount, currency } : null;
  }
  if (source.object === 'refund') {
    // One that failed is on the balance twice: gone, and come back.
    return { kind: 'REFUND', stripeId: source.id, amount: source.failure_balance_transaction ? 0 : amount, currency };
  }
  if (source.object !== 'dispute') return null;
  const parts = source.balance_transactions;
  return { kind: 'DISPUTE', stripeId: source.id, amount: parts.reduce((sum, part) => sum + part.amount, 0), currency };
}

/**
 * What Stripe moved beside what the ledger moved; null when they agree, and when `ours` is null (not ours, or told of where
 * payments, refunds and disputes are compared). Not repairable: nobody may post an amount that no rule explains.
 */
export function compareMovement(theirs: Movement, ours: MovedRecord | null): Difference | null {
  if (!ours?.settled) return null;
  if (theirs.amount === ours.moved && (theirs.amount === 0 || theirs.currency.toUpperCase() === ours.currency)) return null;
  const about = { stripeId: theirs.stripeId, orderId: ours.orderId, userId: ours.userId };
  const detail = `Stripe moved ${money(theirs.amount, theirs.currency)}; the ledger moved ${money(ours.moved, ours.currency)}.`;
  return { ...about, kind: 'AMOUNT_DIFFERS', detail, repairable: false };
}
