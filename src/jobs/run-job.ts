import type { Clock } from '../runtime/clock.js';
import { describeFailure } from '../runtime/describe-failure.js';
import type { JobStates } from '../services/jobs/job-states.js';
import type { JobDefinition } from './job.js';

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
