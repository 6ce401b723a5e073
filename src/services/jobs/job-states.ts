import type { JobState } from '../../entities/job-state.js';
import { jobStateColumns } from '../../stores/columns.js';
import { type Queryable, statement } from '../../stores/database.js';

export interface JobRun {
  readonly name: string;
  readonly startedAt: Date;
  readonly durationMs: number;
  /** A short description of what it did; null if it failed. */
  readonly result: string | null;
  /** The number of findings that need attention; null if it failed, or if the job looks for none. */
  readonly findingsCount: number | null;
  readonly error: string | null;
}

const recordJobRun = statement('record-job-run')`
    insert into job_states as state (name, last_run_at, last_duration_ms, last_result, last_error, last_findings_count, fail_count)
    values ($1, $2, $3, $4, $5, $6, case when $5::text is null then 0 else 1 end)
    on conflict (name) do update set
      last_run_at = excluded.last_run_at, last_duration_ms = excluded.last_duration_ms,
      last_result = coalesce(excluded.last_result, state.last_result),
      last_error = coalesce(excluded.last_error, state.last_error),
      last_findings_count = coalesce(excluded.last_findings_count, state.last_findings_count),
      fail_count = case when excluded.last_error is null then 0 else state.fail_count + 1 end`;

const allJobStates = statement('all-job-states')`select ${jobStateColumns} from job_states`;

/** The result of each job's last run, whichever worker ran it and wherever its schedule is stored. */
export class JobStates {
  constructor(private readonly database: Queryable) {}

  async record({ name, startedAt, durationMs, result, findingsCount, error }: JobRun): Promise<void> {
    await this.database.query(recordJobRun, [name, startedAt, durationMs, result, error, findingsCount]);
  }

  all(): Promise<JobState[]> {
    return this.database.query<JobState>(allJobStates);
  }
}
