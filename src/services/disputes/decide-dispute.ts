import type { DisputeFunds, DisputeOutcome } from '../../entities/dispute.js';

export interface DisputeState {
  readonly outcome: DisputeOutcome;
  readonly funds: DisputeFunds;
}

/**
 * Where a dispute stands by Stripe's status. An inquiry (warning_…) moves no money; any other dispute has taken it, and one
 * that was won has given it back. Source: Stripe's guide "How disputes work".
 */
export function stateOf(stripeStatus: string): DisputeState {
  if (stripeStatus === 'won') return { outcome: 'WON', funds: 'REINSTATED' };
  if (stripeStatus === 'lost') return { outcome: 'LOST', funds: 'WITHDRAWN' };
  if (stripeStatus === 'warning_closed' || stripeStatus === 'prevented') return { outcome: 'WON', funds: 'UNTOUCHED' };
  if (stripeStatus.startsWith('warning_')) return { outcome: 'OPEN', funds: 'UNTOUCHED' };
  return { outcome: 'OPEN', funds: 'WITHDRAWN' };
}

export type GrantConsequence = 'SUSPEND' | 'RESTORE' | 'REVOKE' | 'NOTHING';

export interface DisputeConsequence {
  readonly state: DisputeState;
  readonly money: 'WITHDRAW' | 'REINSTATE' | 'NOTHING';
  readonly grant: GrantConsequence;
}

/** A dispute that was decided stays so, whatever older news come late. */
export function decideDispute(known: DisputeState | null, news: DisputeState): DisputeConsequence {
  const before: DisputeState = known ?? { outcome: 'OPEN', funds: 'UNTOUCHED' };
  if (before.outcome !== 'OPEN') return { state: before, money: 'NOTHING', grant: 'NOTHING' };
  if (news.outcome === 'LOST')
    return { state: news, money: before.funds === 'WITHDRAWN' ? 'NOTHING' : 'WITHDRAW', grant: 'REVOKE' };
  if (news.outcome === 'WON') {
    const wasWithdrawn = before.funds === 'WITHDRAWN';
    return { state: news, money: wasWithdrawn ? 'REINSTATE' : 'NOTHING', grant: wasWithdrawn ? 'RESTORE' : 'NOTHING' };
  }
  // Once the money is gone, a late word of the inquiry before it brings nothing back.
  if (before.funds === 'WITHDRAWN' || news.funds === 'UNTOUCHED') return { state: before, money: 'NOTHING', grant: 'NOTHING' };
  return { state: news, money: 'WITHDRAW', grant: 'SUSPEND' };
}

/**
 * The amount in dispute, in minor units. It may change from an inquiry to the chargeback; what was taken is what counts from
 * then on. Until then the largest that was heard of, in whichever order the news come.
 */
export function decideDisputedAmount(
  known: Pick<DisputeState, 'funds'> & { readonly amount: number },
  money: DisputeConsequence['money'],
  news: number,
): number {
  if (money === 'WITHDRAW') return news;
  return known.funds === 'UNTOUCHED' ? Math.max(known.amount, news) : known.amount;
}
