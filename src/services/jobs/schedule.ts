/** When a job runs: this many milliseconds after it last started, or by a cron expression of five fields, in UTC. */
export type Schedule = { readonly intervalMs: number } | { readonly cron: string };

/** The time between two runs, for locks and retries. Cron expressions are for jobs that run rarely, so they count as infinite. */
export function intervalMsOf(schedule: Schedule): number {
  return 'cron' in schedule ? Number.POSITIVE_INFINITY : schedule.intervalMs;
}

/** For display: 15 seconds, 1 hour, 1500 milliseconds (in the largest exact unit), or 15 3 * * * (UTC). */
export function describeSchedule(schedule: Schedule): string {
  return 'cron' in schedule ? `${schedule.cron} (UTC)` : describeInterval(schedule.intervalMs);
}

const UNITS: readonly [name: string, ms: number][] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
  ['second', 1_000],
];

function describeInterval(intervalMs: number): string {
  const [name, ms] = UNITS.find(([, unitMs]) => intervalMs % unitMs === 0) ?? ['millisecond', 1];
  const count = intervalMs / ms;
  return `${count} ${name}${count === 1 ? '' : 's'}`;
}
