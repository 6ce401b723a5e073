import { CronExpressionParser } from 'cron-parser';
import type { Schedule } from '../services/jobs/schedule.js';

/** Failed jobs wait up to this long for a retry, however frequent their schedule: see decideRetryDelay. */
const MIN_WAIT_MS = 10_000;
/** How far the clocks of workers that run jobs may differ from the database's; a run that starts this much too early counts. */
const CLOCK_TOLERANCE_MS = 30_000;

/** The latest instant for which a job can be scheduled at `now`, by the database's clock. A later one comes from a wrong clock. */
export function decideLatestRun(schedule: Schedule, now: Date): Date {
  if ('intervalMs' in schedule) return new Date(now.getTime() + Math.max(schedule.intervalMs, MIN_WAIT_MS));
  const currentDate = new Date(now.getTime() + CLOCK_TOLERANCE_MS);
  return CronExpressionParser.parse(schedule.cron, { tz: 'UTC', currentDate }).next().toDate();
}
