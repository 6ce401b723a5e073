import type { Schedule } from '../services/jobs/schedule.js';

/** One scheduled task. It may run in several workers, be interrupted at any moment and run again, so it must be idempotent. */
export interface JobDefinition {
  /** The name that admins use, such as expire-grants. */
  readonly name: string;
  readonly schedule: Schedule;
  /** Does what is due and returns a short summary. Throws to be retried earlier than its schedule. */
  run(context: JobContext): Promise<string>;
}

export interface JobContext {
  /** Aborted when the worker stops: finish after the current batch; the next run does the rest. */
  readonly signal: AbortSignal;
  /** Records how many findings need attention; stored with the job's state, for metrics. */
  found(count: number): void;
  /** Logs a problem that operators should know of although the job itself succeeded. */
  warn(message: string): void;
}
