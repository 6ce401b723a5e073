import { CronExpressionParser } from 'cron-parser';
import type { Schedule } from '../services/jobs/schedule.js';

/** Failed jobs wait up to this long for a retry, however frequent their schedule. */
const MIN_WAIT_MS = 10_000;
/** How far the clocks of workers that run jobs may differ from the database's; a run that starts this much too early counts. */
const CLOCK_TOLERANCE_MS = 30_000;
const FIRST_RETRY_DELAY_MS = 1_000;
const MAX_RETRY_DELAY_MS = 5 * 60_000;

const nextRun = (cron: string, currentDate: Date) => CronExpressionParser.parse(cron, { tz: 'UTC', currentDate }).next().toDate();

/** Whether a job becomes due when product time moves. Frequent jobs always do: the move may pass anything that they look for. */
export function isDueBetween(schedule: Schedule, from: Date, to: Date): boolean {
  return 'intervalMs' in schedule || nextRun(schedule.cron, from) <= to;
}

/** The latest instant for which a job can be scheduled at `now`, by the database's clock. A later one comes from a wrong clock. */
export function decideLatestRun(schedule: Schedule, now: Date): Date {
  if ('intervalMs' in schedule) return new Date(now.getTime() + Math.max(schedule.intervalMs, MIN_WAIT_MS));
  return nextRun(schedule.cron, new Date(now.getTime() + CLOCK_TOLERANCE_MS));
}

/**
 * How long after a failure a job is retried, in milliseconds: 1 second, doubled with each consecutive failure, up to its own interval and
 * 5 minutes. A job that runs every second still gives a struggling database 10 seconds.
 */
export function decideRetryDelay(failuresInARow: number, intervalMs: number): number {
  const maxMs = Math.min(Math.max(intervalMs, MIN_WAIT_MS), MAX_RETRY_DELAY_MS);
  return Math.min(FIRST_RETRY_DELAY_MS * 2 ** Math.max(failuresInARow - 1, 0), maxMs);
}
