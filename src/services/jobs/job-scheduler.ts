import type { Schedule } from './schedule.js';

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
