import type { World } from './world.js';

/** Sums in one currency, in minor units. Within the sandbox's limits they are below 2^53 and therefore exact. */
export interface CurrencyTotals {
  captured: number;
  /** Refunds that have not failed, including pending ones. */
  refunded: number;
  refundsPending: number;
  /** Withdrawn by disputes that are open or lost. */
  disputed: number;
  /** The sums of the balance transactions, before and after fees. */
  balance: number;
  fees: number;
}

/** Returns the account's payments, refunds, disputes and balance, by currency. */
export function totalsOf(world: World): Record<string, CurrencyTotals> {
  const { store } = world;
  const totals: Record<string, CurrencyTotals> = {};
  const of = (currency: string) => {
    totals[currency] ??= { captured: 0, refunded: 0, refundsPending: 0, disputed: 0, balance: 0, fees: 0 };
    return totals[currency];
  };
  for (const charge of store.charges.rows()) of(charge.currency).captured += charge.amount_captured;
  for (const refund of store.refunds.rows()) {
    const sums = of(refund.currency);
    if (refund.status === 'succeeded' || refund.status === 'pending') sums.refunded += refund.amount;
    if (refund.status === 'pending') sums.refundsPending += refund.amount;
  }
  for (const dispute of store.disputes.rows()) {
    const withdrawn = dispute.balance_transactions.reduce((sum, movement) => sum - movement.amount, 0);
    of(dispute.currency).disputed += withdrawn;
  }
  for (const movement of store.balanceTransactions.rows()) {
    const sums = of(movement.currency);
    sums.balance += movement.amount;
    sums.fees += movement.fee;
  }
  return totals;
}
