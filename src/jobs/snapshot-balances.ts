import { inBatches } from './in-batches.js';
import type { JobDefinition } from './job.js';

export interface BalanceSnapshots {
  /** Snapshots up to `limit` balances that have moved on since their last one; tells how many. */
  takeDue(limit: number): Promise<number>;
}

/** Notes each balance with the version up to which it counts, so that old states are found without adding up all. */
export function snapshotBalances(service: BalanceSnapshots, intervalMs: number, batchCount: number): JobDefinition {
  return {
    name: 'snapshot-balances',
    intervalMs,
    run: async ({ signal }) => `${await inBatches((limit) => service.takeDue(limit), batchCount, signal)} balances snapshotted`,
  };
}
