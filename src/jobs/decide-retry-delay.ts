const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 5 * 60_000;
const SMALLEST_CAP_MS = 10_000;

/**
 * How long after a failure a job runs again, in milliseconds: 1 second, doubled with each failure in a row, at most its own
 * interval and 5 minutes, but a job that runs each second still leaves an ailing database 10 seconds.
 */
export function decideRetryDelay(failuresInARow: number, intervalMs: number): number {
  const capMs = Math.min(Math.max(intervalMs, SMALLEST_CAP_MS), MAX_DELAY_MS);
  return Math.min(FIRST_DELAY_MS * 2 ** Math.max(failuresInARow - 1, 0), capMs);
}
