const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 5 * 60_000;
const SMALLEST_CAP_MS = 10_000;

/**
 * How long after a failure a job is retried, in milliseconds: 1 second, doubled with each consecutive failure, up to its own interval and
 * 5 minutes. A job that runs every second still gives a struggling database 10 seconds.
 */
export function decideRetryDelay(failuresInARow: number, intervalMs: number): number {
  const capMs = Math.min(Math.max(intervalMs, SMALLEST_CAP_MS), MAX_DELAY_MS);
  return Math.min(FIRST_DELAY_MS * 2 ** Math.max(failuresInARow - 1, 0), capMs);
}
