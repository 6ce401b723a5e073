import type { Grant } from '../../entities/grant.js';
import type { RefundDestination } from '../../entities/refund.js';
import type { NotRefundableReason } from '../errors.js';
import { DAY_MS } from '../purchases/decide-terms.js';

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
