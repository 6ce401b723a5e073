import type { Schedule } from '../services/jobs/schedule.js';

/** One scheduled task. It may run in several workers, be cut off at any moment and run again: all it does is idempotent. */
export interface JobDefinition {
  /** As admins name it, such as expire-grants. */
  readonly name: string;
  readonly schedule: Schedule;
  /** Does what is due and says in a few words what that was. Throws to be tried again sooner than its schedule. */
  run(context: JobContext): Promise<string>;
}

export interface JobContext {
  /** Aborted when the worker stops: end after the batch at hand, the rest is taken up by the next run. */
  readonly signal: AbortSignal;
  /** How much there is for people to look at: kept with the state of the job, for metrics. */
  found(count: number): void;
  /** For what operators must hear of although the job itself did its work. */
  warn(message: string): void;
}
