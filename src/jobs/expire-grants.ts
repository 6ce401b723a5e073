import { drainBatches } from './drain-batches.js';
import type { JobDefinition } from './job.js';

export interface GrantExpiry {
  /** Ends up to `limit` grants whose time is over; tells how many. */
  expireDue(limit: number): Promise<number>;
}

/** Grants become EXPIRED soon after their time, with live events. Access itself is decided by time and does not wait for it. */
export function expireGrants(service: GrantExpiry, intervalMs: number, batchCount: number): JobDefinition {
  return {
    name: 'expire-grants',
    schedule: { intervalMs },
    run: async ({ signal }) => `${await drainBatches((limit) => service.expireDue(limit), batchCount, signal)} grants expired`,
  };
}
