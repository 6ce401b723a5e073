import type Stripe from 'stripe';
import type { DisputeFunds, DisputeOutcome } from '../../entities/dispute.js';
import { type BalanceTransaction, type Moved, movementsOf } from './dispute-movements.js';

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
