import type { Clock } from '../runtime/clock.js';
import { describeFailure } from '../runtime/describe-failure.js';
import type { JobStates } from '../services/jobs/job-states.js';
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

export interface JobRunDependencies {
  readonly states: JobStates;
  readonly clock: Clock;
  readonly logger: { error(details: object, message: string): void; warn(details: object, message: string): void };
  /** Wraps each run, to trace it. */
  readonly trace?: <Result>(name: string, run: () => Promise<Result>) => Promise<Result>;
}

/** Runs a job once and records its outcome. Returns the error if the job failed, otherwise null. @throws the database's error */
export async function runJob(definition: JobDefinition, dependencies: JobRunDependencies, signal: AbortSignal): Promise<unknown> {
  const { states, clock, logger, trace = untraced } = dependencies;
  const { name } = definition;
  const startedAt = clock.now();
  const begin = performance.now();
  let result: string | null = null;
  let findingsCount: number | null = null;
  let failure: unknown = null;
  const warn = (message: string) => logger.warn({ job: name }, message);
  const found = (count: number) => {
    findingsCount = count;
  };
  try {
    result = await trace(name, () => definition.run({ signal, warn, found }));
  } catch (error) {
    failure = error ?? new Error('failed without a reason');
    logger.error({ job: name, reason: describeFailure(error) }, 'job failed');
  }
  const durationMs = Math.round(performance.now() - begin);
  const error = failure === null ? null : describeFailure(failure);
  await states.record({ name, startedAt, durationMs, result, findingsCount, error });
  return failure;
}

const untraced = <Result>(_name: string, run: () => Promise<Result>): Promise<Result> => run();
