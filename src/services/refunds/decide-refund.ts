import type { Grant } from '../../entities/grant.js';
import type { RefundDestination } from '../../entities/refund.js';
import type { NotRefundableReason } from '../billing-error.js';
import { DAY_MS } from '../purchases/decide-terms.js';

/** Everything that decides what a refund of a grant gives. Amounts in minor units. */
export interface GrantFacts {
  readonly grant: Pick<Grant, 'status' | 'paidWith' | 'pricePerDay' | 'durationDays' | 'availableUntil'>;
  /** What its SPENDING took: less than the price after a coupon given at Stripe. */
  readonly paid: number;
  /** That, less what was given back of it already. */
  readonly spent: number;
  /** What its card payment captured, less all refunds of it that have not failed; 0 without a card payment. */
  readonly leftOnPayment: number;
  /** What the viewer's balance has to spend, before anything is given back; below zero it is a debt. */
  readonly available: number;
}

export interface RefundTerms {
  readonly unusedDays: number;
  readonly amount: number;
  readonly destination: RefundDestination;
}

export type RefundDecision = RefundTerms | { readonly refused: NotRefundableReason | 'INSUFFICIENT_FUNDS' };

/** Rule 4: whole days not yet begun; the day of purchase always counts as used; never below 0. */
export function decideUnusedDays(grant: Pick<Grant, 'durationDays' | 'availableUntil'>, now: Date): number {
  const wholeDaysLeft = Math.floor((grant.availableUntil.getTime() - now.getTime()) / DAY_MS);
  return Math.max(0, Math.min(grant.durationDays - 1, wholeDaysLeft));
}

/** What the unused days were bought for: their price at purchase, or that share of the less that was paid, rounded down. */
function decideUnusedValue(unusedDays: number, { grant, paid }: GrantFacts): number {
  const share = (BigInt(paid) * BigInt(unusedDays)) / BigInt(grant.durationDays);
  return Math.min(unusedDays * grant.pricePerDay, Number(share));
}

/**
 * What a refund of the grant gives now, and where to: back the way it was paid unless `wanted` says otherwise. Quote and
 * execution both come here, so they agree. To the card only what the payment has left, and nothing while the balance is below
 * zero: what is given back pays the debt first, and could not be held for the card.
 */
export function decideGrantRefund(facts: GrantFacts, wanted: RefundDestination | null, now: Date): RefundDecision {
  const { grant } = facts;
  if (grant.paidWith === 'GIFT') return { refused: 'GIFT' };
  if (grant.status === 'SUSPENDED') return { refused: 'DISPUTED' };
  if (grant.status !== 'ACTIVE' || grant.availableUntil <= now) return { refused: 'GRANT_ENDED' };
  const unusedDays = decideUnusedDays(grant, now);
  if (unusedDays === 0) return { refused: 'NO_UNUSED_DAYS' };
  if (grant.pricePerDay === 0 || facts.paid === 0) return { refused: 'FREE' };
  const amount = Math.min(decideUnusedValue(unusedDays, facts), facts.spent);
  if (amount <= 0) return { refused: 'ALREADY_REFUNDED' };
  const cardCovers = grant.paidWith === 'CARD' && facts.leftOnPayment >= amount;
  const inDebt = facts.available < 0;
  if (wanted === 'CARD' && grant.paidWith !== 'CARD') return { refused: 'NOT_A_CARD_PAYMENT' };
  if (wanted === 'CARD' && !cardCovers) return { refused: 'ALREADY_REFUNDED' };
  if (wanted === 'CARD' && inDebt) return { refused: 'INSUFFICIENT_FUNDS' };
  return { unusedDays, amount, destination: wanted ?? (cardCovers && !inDebt ? 'CARD' : 'BALANCE') };
}

/** Rule 5: what of a top-up can go back to its card now: what the payment has left, while the balance covers it. */
export function decideRefundable(leftOnPayment: number, available: number): number {
  return Math.max(0, Math.min(leftOnPayment, available));
}
