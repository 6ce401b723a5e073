import type { JobDefinition } from './job.js';

export type LedgerVerification = (options: { fromSnapshots: boolean; signal: AbortSignal }) => Promise<{
  readonly balancesChecked: number;
  readonly transactionsChecked: number;
  readonly discrepancies: readonly unknown[];
  /** False when it was told to stop before the end. */
  readonly finished: boolean;
}>;

/** Recomputes the ledger. A discrepancy is for people to look at: running again would not mend it. */
export function verifyLedgerJob(verify: LedgerVerification, cron: string): JobDefinition {
  return {
    name: 'verify-ledger',
    schedule: { cron },
    run: async ({ signal, warn, found }) => {
      const report = await verify({ fromSnapshots: true, signal });
      const { balancesChecked, transactionsChecked, discrepancies, finished } = report;
      if (finished) found(discrepancies.length);
      if (discrepancies.length > 0) warn(`the ledger has ${discrepancies.length} discrepancies: see the query verifyLedger`);
      const what = `${balancesChecked} balances, ${transactionsChecked} transactions, ${discrepancies.length} discrepancies`;
      return finished ? what : `${what}; stopped before the end`;
    },
  };
}
