import { drainBatches } from './drain-batches.js';
import type { JobDefinition } from './job.js';

export interface RefundResumption {
  /** Takes up to `limit` refunds that are under way and due one step further, until `signal` says to stop; tells how many. */
  resumeDue(limit: number, signal: AbortSignal): Promise<number>;
}

/** Goes on with payouts that were cut off or that Stripe has not answered, until their hold expires. */
export function resumeRefunds(service: RefundResumption, intervalMs: number, batchCount: number): JobDefinition {
  return {
    name: 'resume-refunds',
    schedule: { intervalMs },
    run: async ({ signal }) =>
      `${await drainBatches((limit) => service.resumeDue(limit, signal), batchCount, signal)} refunds resumed`,
  };
}
