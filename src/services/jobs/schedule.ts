/** When a job runs: so many milliseconds after it last began, or by a cron line of five fields, in UTC. */
export type Schedule = { readonly intervalMs: number } | { readonly cron: string };

/** The shortest time between two turns, as far as locks and retries care: a cron line is for what runs seldom. */
export function intervalMsOf(schedule: Schedule): number {
  return 'cron' in schedule ? Number.POSITIVE_INFINITY : schedule.intervalMs;
}

/** For people: 15 seconds, 1 hour, 1500 milliseconds (the largest unit that is exact), or 15 3 * * * (UTC). */
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
