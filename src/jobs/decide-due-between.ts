import { CronExpressionParser } from 'cron-parser';
import type { Schedule } from '../services/jobs/schedule.js';

/** Whether a job becomes due when product time moves. Frequent jobs always do: the move may pass anything that they look for. */
export function isDueBetween(schedule: Schedule, from: Date, to: Date): boolean {
  if ('intervalMs' in schedule) return true;
  return CronExpressionParser.parse(schedule.cron, { tz: 'UTC', currentDate: from }).next().toDate() <= to;
}
