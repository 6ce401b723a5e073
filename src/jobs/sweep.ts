import type { JobDefinition } from './job.js';

/** Each removes what is older than its retention, until `signal` says to stop, and tells how many rows that were. */
export type Sweepers = Readonly<Record<string, (signal: AbortSignal) => Promise<number>>>;

/** Removes idempotency records and live events that nobody may ask for any more. One that fails does not stop the others. */
export function sweep(sweepers: Sweepers, intervalMs: number): JobDefinition {
  return {
    name: 'sweep',
    schedule: { intervalMs },
    run: async ({ signal }) => {
      const names = Object.keys(sweepers);
      const results = await Promise.allSettled(Object.values(sweepers).map((sweeper) => sweeper(signal)));
      const failed = results.find((result) => result.status === 'rejected');
      if (failed) throw failed.reason;
      return results.map((result, index) => `${result.status === 'fulfilled' ? result.value : 0} ${names[index]}`).join(', ');
    },
  };
}
