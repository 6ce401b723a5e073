import type Stripe from 'stripe';
import type { DisputeFunds, DisputeOutcome } from '../../entities/dispute.js';
import { beforeExchange } from '../../stores/stripe-amounts.js';

/** What is known about a dispute. Amounts are in minor units, as Stripe states them. */
export interface DisputeState {
  readonly outcome: DisputeOutcome;
  readonly funds: DisputeFunds;
  /** The disputed amount. */
  readonly amount: number;
  /** What Stripe took because of the dispute, and how much of that it returned, without fees. */
  readonly withdrawn: number;
  readonly reinstated: number;
  /** The number of Stripe's balance transactions that these amounts come from; 0 if they are implied by the status. */
  readonly movements: number;
}

type BalanceTransaction = Pick<Stripe.BalanceTransaction, 'amount' | 'currency' | 'exchange_rate'>;

/** The part of Stripe's dispute that the decision depends on. */
export type DisputeNews = Pick<Stripe.Dispute, 'amount' | 'currency' | 'status'> & {
  readonly balance_transactions?: readonly BalanceTransaction[] | null;
};

/** How much of the payment Stripe currently withholds because of the dispute. */
export const takenBy = ({ withdrawn, reinstated }: Pick<DisputeState, 'withdrawn' | 'reinstated'>): number =>
  Math.max(0, withdrawn - reinstated);

/**
 * Returns the state of a dispute according to one Stripe message alone. Its amounts come from its balance transactions, whatever the
 * status. While there are none, the status implies them: an inquiry (warning_…) takes nothing, any other dispute has taken the amount,
 * and a dispute that was won has returned it.
 * Sources: Stripe's guide "How disputes work" and https://docs.stripe.com/api/disputes/object
 */
export function stateOf(news: DisputeNews): DisputeState {
  const moved = movementsOf(news);
  const outcome = outcomeOf(news.status);
  if (moved) return { outcome, amount: news.amount, funds: fundsOf(moved), ...moved };
  return { outcome, amount: news.amount, ...impliedBy(outcome, isInquiry(news.status), news.amount), movements: 0 };
}

/**
 * Returns the state of a dispute after another message about it, in whatever order messages arrive. Balance transactions are only ever
 * added, so the longer list is the newer one. At equal length, a decision outranks any earlier status, and a win outranks a loss,
 * because arbitration may still reverse a loss.
 */
export function mergeDispute(known: DisputeState, newsOf: DisputeNews): DisputeState {
  const news = stateOf(newsOf);
  if (news.movements > 0 && news.movements < known.movements) return known;
  const longer = news.movements > known.movements && (known.movements > 0 || known.funds === 'UNTOUCHED');
  const further = longer ? 1 : rankOf(news) - rankOf(known);
  const outcome = further > 0 ? news.outcome : known.outcome;
  const amount = further > 0 ? news.amount : further === 0 ? Math.max(known.amount, news.amount) : known.amount;
  // Disputes stored before balance transactions were read have a status only; the amounts of an older message are not theirs.
  if (known.movements === 0 && further < 0) return known;
  if (news.movements > 0) return { ...news, outcome, amount };
  if (known.movements > 0) return { ...known, outcome, amount };
  const inquiry = known.funds === 'UNTOUCHED' && news.funds === 'UNTOUCHED';
  return { outcome, amount, ...impliedBy(outcome, inquiry, amount), movements: 0 };
}

function fundsOf(moved: Moved): DisputeFunds {
  return takenBy(moved) > 0 ? 'WITHDRAWN' : 'REINSTATED';
}

function impliedBy(
  outcome: DisputeOutcome,
  inquiry: boolean,
  amount: number,
): Pick<DisputeState, 'funds' | 'withdrawn' | 'reinstated'> {
  if (inquiry) return { funds: 'UNTOUCHED', withdrawn: 0, reinstated: 0 };
  if (outcome === 'WON') return { funds: 'REINSTATED', withdrawn: amount, reinstated: amount };
  return { funds: 'WITHDRAWN', withdrawn: amount, reinstated: 0 };
}

function outcomeOf(status: string): DisputeOutcome {
  if (status === 'lost') return 'LOST';
  return status === 'won' || status === 'warning_closed' || status === 'prevented' ? 'WON' : 'OPEN';
}

const isInquiry = (status: string): boolean => status.startsWith('warning_') || status === 'prevented';

function rankOf({ outcome, funds }: Pick<DisputeState, 'outcome' | 'funds'>): number {
  if (outcome === 'OPEN') return funds === 'UNTOUCHED' ? 0 : 1;
  return outcome === 'LOST' ? 2 : 3;
}

/** What Stripe took for a dispute and returned, according to balance transactions, in minor units of the payment's currency. */
interface Moved {
  readonly withdrawn: number;
  readonly reinstated: number;
  readonly movements: number;
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
function movementsOf({ balance_transactions, currency, amount }: DisputeNews): Moved | null {
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
