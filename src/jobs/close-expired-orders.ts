import { drainBatches } from './drain-batches.js';
import type { JobDefinition } from './job.js';

export interface OrderClosing {
  /** Asks Stripe how up to `limit` open orders whose time is over have ended; tells how many it looked at. */
  closeExpired(limit: number): Promise<number>;
}

/** Closes or fulfils orders whose time is over although Stripe never told us how they ended. */
export function closeExpiredOrders(service: OrderClosing, intervalMs: number, batchCount: number): JobDefinition {
  return {
    name: 'close-expired-orders',
    schedule: { intervalMs },
    run: async ({ signal }) =>
      `${await drainBatches((limit) => service.closeExpired(limit), batchCount, signal)} orders looked at`,
  };
}
