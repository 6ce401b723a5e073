import { CronExpressionParser } from 'cron-parser';
import type { Schedule } from '../services/jobs/schedule.js';

/** Jobs that fail are tried again within this at least, however dense their schedule: see decideRetryDelay. */
const SMALLEST_WAIT_MS = 10_000;
/** By how much the clocks of workers that run jobs may differ from the database's; a turn begun that much too early counts. */
const CLOCK_TOLERANCE_MS = 30_000;

/** The latest instant for which a job can be scheduled at `now`, by the database's clock. A later one was set by a wrong clock. */
export function decideLatestRun(schedule: Schedule, now: Date): Date {
  if ('intervalMs' in schedule) return new Date(now.getTime() + Math.max(schedule.intervalMs, SMALLEST_WAIT_MS));
  const currentDate = new Date(now.getTime() + CLOCK_TOLERANCE_MS);
  return CronExpressionParser.parse(schedule.cron, { tz: 'UTC', currentDate }).next().toDate();
}
