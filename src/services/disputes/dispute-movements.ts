import type Stripe from 'stripe';
import { beforeExchange } from '../../stores/stripe-amounts.js';

export type BalanceTransaction = Pick<Stripe.BalanceTransaction, 'amount' | 'currency' | 'exchange_rate'>;

/** What balance transactions say that Stripe took for a dispute and returned, in minor units of the payment's currency. */
export interface Moved {
  readonly withdrawn: number;
  readonly reinstated: number;
  readonly movements: number;
}

interface DisputeMoney {
  /** What the dispute is about. */
  readonly amount: number;
  readonly currency: string;
  readonly balance_transactions?: readonly BalanceTransaction[] | null;
}

/** An amount that Stripe's exchange has rounded, and by how much at most; 0 for one that was not exchanged. */
interface Estimate {
  readonly amount: number;
  readonly error: number;
}

/** Stripe states a rate to about six digits. */
const RATE_ERROR = 1e-5;

/**
 * Null when Stripe names no balance transaction, or one of unknown amount in the payment's currency. What was exchanged is known to
 * within the rounding of the exchange only: there it is the dispute's amount, and what came back is what was taken, if it can be.
 */
export function movementsOf({ balance_transactions, currency, amount }: DisputeMoney): Moved | null {
  const parts = (balance_transactions ?? []).map((part) => estimateOf(part, currency));
  if (parts.length === 0 || !parts.every((part) => part !== null)) return null;
  const withdrawn = mostLikely(sumOf(parts.filter((part) => part.amount < 0)), amount);
  const reinstated = mostLikely(sumOf(parts.filter((part) => part.amount > 0)), withdrawn);
  return { withdrawn, reinstated, movements: parts.length };
}

/** Stripe's balance may be in another currency than the payment: then the amount is what it was before the exchange. */
function estimateOf(part: BalanceTransaction, currency: string): Estimate | null {
  if (part.currency === currency) return { amount: part.amount, error: 0 };
  const { exchange_rate: rate } = part;
  if (!rate) return null;
  const amount = beforeExchange(part.amount, part.currency, rate, currency);
  return { amount, error: beforeExchange(1, part.currency, rate, currency) + Math.abs(amount) * RATE_ERROR };
}

function sumOf(parts: readonly Estimate[]): Estimate {
  const add = (sum: Estimate, part: Estimate) => ({ amount: sum.amount + Math.abs(part.amount), error: sum.error + part.error });
  return parts.reduce(add, { amount: 0, error: 0 });
}

/** Nothing is added to what is exact. */
function mostLikely({ amount, error }: Estimate, likely: number): number {
  if (error === 0) return amount;
  return Math.abs(amount - likely) <= error ? likely : Math.round(amount);
}
