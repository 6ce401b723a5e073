import { type BillingError, notFound } from '../errors.js';
import type { JobScheduler } from './job-scheduler.js';
import type { JobStates } from './job-states.js';
import { describeSchedule } from './schedule.js';

/** The contract's Job. */
export interface Job {
  readonly name: string;
  readonly schedule: string;
  readonly running: boolean;
  readonly lastRunAt: Date | null;
  readonly nextRunAt: Date | null;
  readonly lastDurationMs: number | null;
  readonly lastResult: string | null;
  readonly lastError: string | null;
  /** What the last run that ended well found for people to look at; null when it looks for nothing. For metrics. */
  readonly lastFindingsCount: number | null;
  readonly failCount: number;
}

/** What admins see and start of the scheduled tasks. */
export class Jobs {
  constructor(
    private readonly scheduler: JobScheduler,
    private readonly states: JobStates,
  ) {}

  /** All, by name. */
  async list(): Promise<Job[]> {
    const [standing, states] = await Promise.all([this.scheduler.standing(), this.states.all()]);
    const jobs = this.scheduler.schedules.map(({ name, schedule }) => {
      const state = states.find((candidate) => candidate.name === name);
      return {
        name,
        schedule: describeSchedule(schedule),
        running: standing.get(name)?.running ?? false,
        nextRunAt: standing.get(name)?.nextRunAt ?? null,
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
   * Starts a job beside its schedule, in the next worker that is free.
   *
   * @throws NOT_FOUND for a name that is no job's, as the payload's errors
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
