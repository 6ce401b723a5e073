import type { Schedule } from './schedule.js';

/** How a job stands with the scheduler, over all workers. */
export interface JobStanding {
  readonly running: boolean;
  readonly nextRunAt: Date | null;
}

/** Who keeps the schedules; it need not run jobs in this process. */
export interface JobScheduler {
  readonly schedules: readonly { readonly name: string; readonly schedule: Schedule }[];
  /** By name; a job that no worker has announced yet is missing. */
  standing(): Promise<ReadonlyMap<string, JobStanding>>;
  /** Has it begun as soon as a worker is free, beside its schedule. */
  startNow(name: string): Promise<void>;
}
