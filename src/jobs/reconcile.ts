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
}

/** Compares with Stripe, replays what was missed and lists what differs. */
export function reconcile(reconciliation: ReconciliationRun, intervalMs: number): JobDefinition {
  return {
    name: 'reconcile',
    intervalMs,
    run: async ({ signal, warn, found }) => {
      const { objectsChecked, eventsReplayed, findingsCount, openFindingsCount, moved } = await reconciliation.run({ signal });
      found(openFindingsCount);
      if (openFindingsCount > 0) warn(`${openFindingsCount} differences with Stripe are left: see the query reconciliations`);
      return `${objectsChecked} objects compared, ${eventsReplayed} events replayed, ${findingsCount} differences, ${openFindingsCount} left; ${describeMoved(moved)}`;
    },
  };
}
