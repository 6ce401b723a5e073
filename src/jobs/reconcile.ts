import { describeMoved, type MovedTotal } from '../services/reconciliation/moved-totals.js';
import type { JobDefinition } from './job.js';

export interface ReconciliationRun {
  /** Compares what is new at Stripe with what is here. */
  run(options: { signal: AbortSignal }): Promise<ReconciliationSummary>;
}

export interface ReconciliationSummary {
  readonly objectsChecked: number;
  readonly eventsReplayed: number;
  readonly findingsCount: number;
  readonly openFindingsCount: number;
  readonly moved: readonly MovedTotal[];
  /** False when it was told to stop before the end. */
  readonly finished: boolean;
}

/** Compares with Stripe, replays what was missed and lists what differs. */
export function reconcile(reconciliation: ReconciliationRun, cron: string): JobDefinition {
  return {
    name: 'reconcile',
    schedule: { cron },
    run: async ({ signal, warn, found }) => {
      const { objectsChecked, eventsReplayed, findingsCount, openFindingsCount, moved, finished } = await reconciliation.run({
        signal,
      });
      if (finished) found(openFindingsCount);
      if (openFindingsCount > 0) warn(`${openFindingsCount} differences with Stripe are left: see the query reconciliations`);
      const what = `${objectsChecked} objects compared, ${eventsReplayed} events replayed, ${findingsCount} differences, ${openFindingsCount} left; ${describeMoved(moved)}`;
      return finished ? what : `${what}; stopped before the end`;
    },
  };
}
