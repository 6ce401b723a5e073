import type { JobDefinition } from './job.js';

export type LedgerVerification = () => Promise<{
  readonly balancesChecked: number;
  readonly transactionsChecked: number;
  readonly discrepancies: readonly unknown[];
}>;

/** Recomputes the ledger. A discrepancy is for people to look at: running again would not mend it. */
export function verifyLedgerJob(verify: LedgerVerification, intervalMs: number): JobDefinition {
  return {
    name: 'verify-ledger',
    intervalMs,
    run: async ({ warn, found }) => {
      const { balancesChecked, transactionsChecked, discrepancies } = await verify();
      found(discrepancies.length);
      if (discrepancies.length > 0) warn(`the ledger has ${discrepancies.length} discrepancies: see the query verifyLedger`);
      return `${balancesChecked} balances, ${transactionsChecked} transactions, ${discrepancies.length} discrepancies`;
    },
  };
}
