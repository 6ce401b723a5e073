import { inBatches } from './in-batches.js';
import type { JobDefinition } from './job.js';

export interface OrderClosing {
  /** Closes up to `limit` open orders whose checkout session is over; tells how many. */
  closeExpired(limit: number): Promise<number>;
}

/** Closes orders whose checkout session ran out although Stripe never told us. */
export function closeExpiredOrders(service: OrderClosing, intervalMs: number, batchCount: number): JobDefinition {
  return {
    name: 'close-expired-orders',
    schedule: { intervalMs },
    run: async ({ signal }) => `${await inBatches((limit) => service.closeExpired(limit), batchCount, signal)} orders closed`,
  };
}
