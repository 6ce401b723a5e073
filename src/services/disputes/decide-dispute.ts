import type Stripe from 'stripe';
import type { DisputeFunds, DisputeOutcome } from '../../entities/dispute.js';
import { type BalanceTransaction, type Moved, movementsOf } from './dispute-movements.js';

/** What is known of a dispute. Amounts in minor units, as Stripe states them. */
export interface DisputeState {
  readonly outcome: DisputeOutcome;
  readonly funds: DisputeFunds;
  /** What it is about. */
  readonly amount: number;
  /** What Stripe took for it, and what it returned of that, without fees. */
  readonly withdrawn: number;
  readonly reinstated: number;
  /** How many balance transactions of Stripe say so; 0: what its status means. */
  readonly movements: number;
}

/** A dispute as Stripe has it, as far as it decides. */
export type DisputeNews = Pick<Stripe.Dispute, 'amount' | 'currency' | 'status'> & {
  readonly balance_transactions?: readonly BalanceTransaction[] | null;
};

/** What Stripe holds of the payment because of the dispute. */
export const takenBy = ({ withdrawn, reinstated }: Pick<DisputeState, 'withdrawn' | 'reinstated'>): number =>
  Math.max(0, withdrawn - reinstated);

/**
 * A dispute by one of Stripe's messages alone. Its money is what its balance transactions say, whatever the status; while there are none, what
 * the status means: an inquiry (warning_…) takes nothing, any other dispute has taken the amount, and one that was won has returned it.
 * Sources: Stripe's guide "How disputes work" and https://docs.stripe.com/api/disputes/object
 */
export function stateOf(news: DisputeNews): DisputeState {
  const moved = movementsOf(news);
  const outcome = outcomeOf(news.status);
  if (moved) return { outcome, amount: news.amount, funds: fundsOf(moved), ...moved };
  return { outcome, amount: news.amount, ...impliedBy(outcome, isInquiry(news.status), news.amount), movements: 0 };
}

/**
 * What is known of a dispute after one more message about it, whichever came first. Balance transactions only become more, so the longer list
 * is the newer one. At the same length a decision stands against what was said before it, and a win against a loss: an
 * arbitration may still turn a loss round.
 */
export function mergeDispute(known: DisputeState, newsOf: DisputeNews): DisputeState {
  const news = stateOf(newsOf);
  if (news.movements > 0 && news.movements < known.movements) return known;
  const longer = news.movements > known.movements && (known.movements > 0 || known.funds === 'UNTOUCHED');
  const further = longer ? 1 : rankOf(news) - rankOf(known);
  const outcome = further > 0 ? news.outcome : known.outcome;
  const amount = further > 0 ? news.amount : further === 0 ? Math.max(known.amount, news.amount) : known.amount;
  // Of a dispute from before balance transactions were read only the status is known: what is older than that is not its money.
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
