import type { JobState } from '../../entities/job-state.js';
import type { Clock } from '../../runtime/clock.js';
import type { Queryable } from '../../stores/database.js';
import { recordAudit } from '../audit/audit.js';
import type { Caller } from '../caller.js';
import { type BillingError, notFound, refusalsAsData } from '../errors.js';
import type { JobStates } from './job-states.js';
import { describeSchedule, type JobScheduler } from './schedule.js';

/** The schema's Job: its schedule, and the outcome of its last run, which is empty before the first. */
export interface Job extends JobState {
  readonly schedule: string;
  readonly running: boolean;
  readonly nextRunAt: Date | null;
}

export interface JobPayload {
  readonly job?: Job | undefined;
  readonly errors: BillingError[];
}

const NEVER_RUN: Omit<JobState, 'name'> = {
  lastRunAt: null,
  lastDurationMs: null,
  lastResult: null,
  lastError: null,
  lastFindingsCount: null,
  failCount: 0,
};

/** Lists and starts scheduled jobs, for admins. */
export class Jobs {
  constructor(
    private readonly scheduler: JobScheduler,
    private readonly states: JobStates,
    private readonly database: Queryable,
    private readonly clock: Clock,
  ) {}

  /** Returns all jobs, sorted by name. */
  async list(): Promise<Job[]> {
    const [scheduled, states] = await Promise.all([this.scheduler.scheduledJobs(), this.states.all()]);
    const jobs = this.scheduler.schedules.map(({ name, schedule }) => ({
      ...NEVER_RUN,
      ...states.find((state) => state.name === name),
      name,
      schedule: describeSchedule(schedule),
      running: scheduled.get(name)?.running ?? false,
      nextRunAt: scheduled.get(name)?.nextRunAt ?? null,
    }));
    return jobs.sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /**
   * Starts a job in addition to its schedule, in the next free worker.
   *
   * @throws NOT_FOUND if no job has this name, as the payload's errors
   */
  async run(caller: Caller, name: string): Promise<JobPayload> {
    return refusalsAsData<JobPayload>(async () => {
      if (!this.scheduler.schedules.some((schedule) => schedule.name === name)) throw notFound('job', 'name');
      // First: a job that runs has an entry, even if this process dies in between.
      await recordAudit(this.database, caller, { action: 'runJob', after: { name } }, this.clock.now());
      await this.scheduler.startNow(name);
      return { job: (await this.list()).find((job) => job.name === name), errors: [] };
    });
  }
}
