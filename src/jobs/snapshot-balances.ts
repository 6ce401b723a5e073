import type { JobDefinition } from './job.js';

export interface BalanceSnapshots {
  /** Looks at up to `limit` balances after `after` and snapshots those that have moved; `next` is null after the last. */
  takeAfter(after: string | null, limit: number): Promise<{ taken: number; next: string | null }>;
}

/** Notes each balance with the version up to which it counts, so that old states are found without adding up all. */
export function snapshotBalances(service: BalanceSnapshots, intervalMs: number, batchCount: number): JobDefinition {
  return {
    name: 'snapshot-balances',
    schedule: { intervalMs },
    run: async ({ signal }) => {
      let total = 0;
      let after: string | null = null;
      do {
        const { taken, next } = await service.takeAfter(after, batchCount);
        total += taken;
        after = next;
      } while (after !== null && !signal.aborted);
      return `${total} balances snapshotted`;
    },
  };
}
