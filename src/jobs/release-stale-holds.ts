import { drainBatches } from './drain-batches.js';
import type { JobDefinition } from './job.js';

export interface StaleHoldRelease {
  /** Looks at up to `limit` payouts whose hold has expired and resolves it, as far as Stripe says how, until `signal`; tells how many. */
  releaseStaleHolds(limit: number, signal: AbortSignal): Promise<number>;
}

/** Gives up payouts that Stripe does not have in time, so that their money does not stay held for ever. */
export function releaseStaleHolds(service: StaleHoldRelease, intervalMs: number, batchCount: number): JobDefinition {
  return {
    name: 'release-stale-holds',
    schedule: { intervalMs },
    run: async ({ signal }) =>
      `${await drainBatches((limit) => service.releaseStaleHolds(limit, signal), batchCount, signal)} stale holds looked at`,
  };
}
