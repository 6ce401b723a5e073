import { drainBatches } from './drain-batches.js';
import type { JobDefinition } from './job.js';

export interface StripeEventProcessing {
  /** Processes up to `limit` events that are due; tells how many it tried. */
  processDue(limit: number): Promise<number>;
}

/** Processes the events of Stripe that no process is at any more: those of a process that died, and failed ones in their turn. */
export function processStripeEvents(service: StripeEventProcessing, intervalMs: number, batchCount: number): JobDefinition {
  return {
    name: 'process-stripe-events',
    schedule: { intervalMs },
    run: async ({ signal }) => `${await drainBatches((limit) => service.processDue(limit), batchCount, signal)} events tried`,
  };
}
