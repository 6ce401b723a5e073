import type Stripe from 'stripe';
import { beforeExchange } from '../../stores/stripe-amounts.js';

export type BalanceTransaction = Pick<Stripe.BalanceTransaction, 'amount' | 'currency' | 'exchange_rate'>;

/** What Stripe took for a dispute and returned, according to balance transactions, in minor units of the payment's currency. */
export interface Moved {
  readonly withdrawn: number;
  readonly reinstated: number;
  readonly movements: number;
}

interface DisputeMoney {
  /** The disputed amount. */
  readonly amount: number;
  readonly currency: string;
  readonly balance_transactions?: readonly BalanceTransaction[] | null;
}

/** An amount that Stripe's currency conversion may have rounded, and the largest possible error; 0 if it was not converted. */
interface Estimate {
  readonly amount: number;
  readonly error: number;
}

/** Stripe states exchange rates to about six digits. */
const RATE_ERROR = 1e-5;

/**
 * Returns null if Stripe lists no balance transaction, or one whose amount in the payment's currency is unknown. A converted amount is
 * known only to within the rounding error. Within that error, the amount taken is assumed to equal the disputed amount, and the amount
 * returned to equal the amount taken.
 */
export function movementsOf({ balance_transactions, currency, amount }: DisputeMoney): Moved | null {
  const parts = (balance_transactions ?? []).map((part) => estimateOf(part, currency));
  if (parts.length === 0 || !parts.every((part) => part !== null)) return null;
  const withdrawn = mostLikely(sumOf(parts.filter((part) => part.amount < 0)), amount);
  const reinstated = mostLikely(sumOf(parts.filter((part) => part.amount > 0)), withdrawn);
  return { withdrawn, reinstated, movements: parts.length };
}

/** Stripe's balance may be in a different currency from the payment: then the amount is converted back. */
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

/** Returns the likely amount if it is within the error; an exact amount is returned as it is. */
function mostLikely({ amount, error }: Estimate, likely: number): number {
  if (error === 0) return amount;
  return Math.abs(amount - likely) <= error ? likely : Math.round(amount);
}
