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

/** A job's state in the scheduler, across all workers. */
export interface ScheduledJob {
  readonly running: boolean;
  readonly nextRunAt: Date | null;
}

/** Owns the schedules; it does not have to run jobs in this process. */
export interface JobScheduler {
  readonly schedules: readonly { readonly name: string; readonly schedule: Schedule }[];
  /** By name; a job that no worker has registered yet is missing. */
  scheduledJobs(): Promise<ReadonlyMap<string, ScheduledJob>>;
  /** Starts the job as soon as a worker is free, in addition to its schedule. */
  startNow(name: string): Promise<void>;
}
