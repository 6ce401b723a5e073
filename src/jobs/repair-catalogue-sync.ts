import { drainBatches } from './drain-batches.js';
import type { JobDefinition } from './job.js';

export interface CatalogueRepair {
  /** Copies up to `limit` subscriptions to Stripe whose copy is due; tells how many it tried. */
  repairDue(limit: number): Promise<number>;
}

/** Tries again to bring product and price at Stripe in line with the subscription. */
export function repairCatalogueSync(service: CatalogueRepair, intervalMs: number, batchCount: number): JobDefinition {
  return {
    name: 'repair-catalogue-sync',
    schedule: { intervalMs },
    run: async ({ signal }) =>
      `${await drainBatches((limit) => service.repairDue(limit), batchCount, signal)} subscriptions tried`,
  };
}
