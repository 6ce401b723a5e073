import type Stripe from 'stripe';
import type { Grant } from '../../entities/grant.js';
import type { Refund, RefundDestination, RefundStatus } from '../../entities/refund.js';
import { insufficientFunds, type NotRefundableReason, notInSteps, outOfBounds, Refusal } from '../errors.js';
import { parseId } from '../ids.js';
import { DAY_MS } from '../purchases/decide-order.js';
import { idOf } from '../stripe-events/stripe-objects.js';

/** Everything that decides the refund of a grant. Amounts in minor units. */
export interface GrantFacts {
  readonly grant: Pick<Grant, 'status' | 'paidWith' | 'durationDays' | 'availableUntil'>;
  /** What its SPENDING took: less than the price after a coupon applied at Stripe. */
  readonly paid: number;
  /** That, less what has already been returned of it. */
  readonly spent: number;
  /** What its card payment captured, less refunds that have not failed and what disputes took; 0 without a card payment. */
  readonly leftOnPayment: number;
  /** Whether a dispute about its payment is open or lost: then Stripe refunds nothing to the card. */
  readonly chargedBack: boolean;
  /** The viewer's available balance before the refund; below zero it is a debt. */
  readonly available: number;
}

export interface RefundTerms {
  readonly unusedDays: number;
  readonly amount: number;
  readonly destination: RefundDestination;
}

/** Why a refund is refused: NOT_REFUNDABLE's reasons, and those with a message of their own. */
export type RefundRefusal =
  | NotRefundableReason
  /** The share is less than one minor unit. */
  | 'SHARE_ROUNDS_TO_ZERO'
  /** The payment has something left, but less than the share. */
  | 'CARD_HAS_LESS_LEFT'
  | 'INSUFFICIENT_FUNDS';

export type RefundDecision = RefundTerms | { readonly refused: RefundRefusal };

/** Rule 5: whole days not yet begun; the day of purchase always counts as used; never below 0. */
export function decideUnusedDays(grant: Pick<Grant, 'durationDays' | 'availableUntil'>, now: Date): number {
  const wholeDaysLeft = Math.floor((grant.availableUntil.getTime() - now.getTime()) / DAY_MS);
  return Math.max(0, Math.min(grant.durationDays - 1, wholeDaysLeft));
}

/** Rule 5: the unused days' share of what was paid and not yet returned, rounded down. */
function decideShare(unusedDays: number, { grant, spent }: GrantFacts): number {
  return Number((BigInt(spent) * BigInt(unusedDays)) / BigInt(grant.durationDays));
}

/**
 * The refund of the grant now, and its destination: the way it was paid unless `wanted` says otherwise. Quote and execution
 * both use this, so they agree. A refund to the card is limited to what the payment has left, and refused while the balance is
 * below zero: a credit would pay the debt first, and could not be held for the card. `cardStep` is the step in which the card's
 * provider accepts amounts: the share is rounded down to it for the card, and exact for the balance.
 */
export function decideGrantRefund(facts: GrantFacts, wanted: RefundDestination | null, now: Date, cardStep = 1): RefundDecision {
  const { grant } = facts;
  if (grant.paidWith === 'GIFT') return { refused: 'GIFT' };
  if (grant.status === 'SUSPENDED') return { refused: 'DISPUTED' };
  if (grant.status !== 'ACTIVE' || grant.availableUntil <= now) return { refused: 'GRANT_ENDED' };
  const unusedDays = decideUnusedDays(grant, now);
  if (unusedDays === 0) return { refused: 'NO_UNUSED_DAYS' };
  if (facts.paid === 0) return { refused: 'FREE' };
  if (facts.spent <= 0) return { refused: 'ALREADY_REFUNDED' };
  const amount = decideShare(unusedDays, facts);
  if (amount === 0) return { refused: 'SHARE_ROUNDS_TO_ZERO' };
  const toCard = amount - (amount % cardStep);
  const refused = refusedByCard(toCard, facts);
  if (wanted === 'CARD' && refused) return { refused };
  const destination = wanted ?? (refused ? 'BALANCE' : 'CARD');
  return { unusedDays, amount: destination === 'CARD' ? toCard : amount, destination };
}

/** Why the amount cannot be refunded to the card; null when it can. */
function refusedByCard(amount: number, { grant, leftOnPayment, chargedBack, available }: GrantFacts): RefundRefusal | null {
  if (grant.paidWith !== 'CARD') return 'NOT_A_CARD_PAYMENT';
  if (chargedBack) return 'DISPUTED';
  if (amount === 0) return 'SHARE_ROUNDS_TO_ZERO';
  if (leftOnPayment < amount) return leftOnPayment > 0 ? 'CARD_HAS_LESS_LEFT' : 'ALREADY_REFUNDED';
  return available < 0 ? 'INSUFFICIENT_FUNDS' : null;
}

/**
 * Rule 6: how much of a top-up can be refunded to its card now: what the payment has left, as far as the balance covers it,
 * rounded down to the step in which the card's provider accepts amounts.
 */
export function decideRefundable(leftOnPayment: number, available: number, cardStep = 1): number {
  const amount = Math.max(0, Math.min(leftOnPayment, available));
  return amount - (amount % cardStep);
}

/**
 * Rule 6: `wanted`, or everything that can be refunded of a top-up.
 *
 * @throws NOT_REFUNDABLE, AMOUNT_OUT_OF_BOUNDS, INVALID_INPUT, INSUFFICIENT_FUNDS
 */
export function decideTopUpRefund(
  wanted: number | null,
  left: number,
  available: number,
  currency: string,
  step: number,
): number {
  if (left < step) throw notRefundable('ALREADY_REFUNDED', 'transactionId');
  const amount = wanted ?? decideRefundable(left, available, step);
  if (wanted !== null && (amount < 1 || amount > left)) {
    const message = `Between 1 and ${left} minor units of this payment can be refunded.`;
    throw outOfBounds(message, { minimum: 1, maximum: left, currency }, 'input', 'amount');
  }
  if (amount % step !== 0) throw notInSteps(step, currency, 'amount');
  if (amount >= 1 && amount <= available) return amount;
  const message = 'Insufficient balance for this refund: the money has been spent.';
  throw insufficientFunds(Math.max(amount, step) - available, currency, message, ['input', 'amount']);
}

const MESSAGES: Record<NotRefundableReason, string> = {
  NO_UNUSED_DAYS: 'No full unused day is left.',
  GRANT_ENDED: 'The grant has already ended.',
  DISPUTED: 'The payment is disputed.',
  GIFT: 'A gift cannot be refunded.',
  NOT_A_CARD_PAYMENT: 'Only a card payment can be refunded to a card.',
  ALREADY_REFUNDED: 'Nothing is left of this payment to refund.',
  FREE: 'A free subscription cannot be refunded.',
};

const WORTH_NOTHING = 'The unused days are worth less than one minor unit of what was paid.';
const CARD_HAS_LESS = 'Less than this amount is left of the card payment: it can only be refunded to the balance.';
const GRANT_LIVES = 'This payment bought a grant that has not ended. Refund the grant instead.';

export const notRefundable = (reason: NotRefundableReason, path: string, message = MESSAGES[reason]) =>
  new Refusal({ code: 'NOT_REFUNDABLE', message, path: ['input', path], reason });

export const grantLives = () => notRefundable('NOT_A_CARD_PAYMENT', 'transactionId', GRANT_LIVES);

export const refusalOf = (refused: RefundRefusal, owed: number, currency: string) => {
  if (refused === 'SHARE_ROUNDS_TO_ZERO') return notRefundable('NO_UNUSED_DAYS', 'grantId', WORTH_NOTHING);
  if (refused === 'CARD_HAS_LESS_LEFT') return notRefundable('ALREADY_REFUNDED', 'destination', CARD_HAS_LESS);
  if (refused !== 'INSUFFICIENT_FUNDS')
    return notRefundable(refused, refused === 'NOT_A_CARD_PAYMENT' ? 'destination' : 'grantId');
  const message = 'The balance is below zero, so this can only be refunded to the balance.';
  return insufficientFunds(owed, currency, message, ['input', 'destination']);
};

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
