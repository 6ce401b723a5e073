import { type BillingError, notFound } from '../errors.js';
import type { JobScheduler } from './job-scheduler.js';
import type { JobStates } from './job-states.js';
import { describeSchedule } from './schedule.js';

/** The schema's Job. */
export interface Job {
  readonly name: string;
  readonly schedule: string;
  readonly running: boolean;
  readonly lastRunAt: Date | null;
  readonly nextRunAt: Date | null;
  readonly lastDurationMs: number | null;
  readonly lastResult: string | null;
  readonly lastError: string | null;
  /** The number of findings of the last successful run that need attention; null if the job looks for none. For metrics. */
  readonly lastFindingsCount: number | null;
  readonly failCount: number;
}

/** Lists and starts scheduled jobs, for admins. */
export class Jobs {
  constructor(
    private readonly scheduler: JobScheduler,
    private readonly states: JobStates,
  ) {}

  /** Returns all jobs, sorted by name. */
  async list(): Promise<Job[]> {
    const [scheduled, states] = await Promise.all([this.scheduler.scheduledJobs(), this.states.all()]);
    const jobs = this.scheduler.schedules.map(({ name, schedule }) => {
      const state = states.find((candidate) => candidate.name === name);
      return {
        name,
        schedule: describeSchedule(schedule),
        running: scheduled.get(name)?.running ?? false,
        nextRunAt: scheduled.get(name)?.nextRunAt ?? null,
        lastRunAt: state?.lastRunAt ?? null,
        lastDurationMs: state?.lastDurationMs ?? null,
        lastResult: state?.lastResult ?? null,
        lastError: state?.lastError ?? null,
        lastFindingsCount: state?.lastFindingsCount ?? null,
        failCount: state?.failCount ?? 0,
      };
    });
    return jobs.sort((left, right) => (left.name < right.name ? -1 : 1));
  }

  /**
   * Starts a job in addition to its schedule, in the next free worker.
   *
   * @throws NOT_FOUND if no job has this name, as the payload's errors
   */
  async run(name: string): Promise<{ job: Job | null; errors: BillingError[] }> {
    if (!this.scheduler.schedules.some((schedule) => schedule.name === name)) {
      return { job: null, errors: [notFound('job', 'name').error] };
    }
    await this.scheduler.startNow(name);
    const job = (await this.list()).find((candidate) => candidate.name === name) ?? null;
    return { job, errors: [] };
  }
}
