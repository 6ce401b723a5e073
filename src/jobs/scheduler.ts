import { hostname } from 'node:os';
import { Agenda, type AgendaBackend, type Job } from 'agenda';
import { describeFailure } from '../runtime/describe-failure.js';
import type { JobScheduler, ScheduledJob } from '../services/jobs/schedule.js';
import { intervalMsOf, type Schedule } from '../services/jobs/schedule.js';
import { Heartbeat, LockGate } from './agenda-locks.js';
import { decideLatestRun, decideRetryDelay, isDueBetween } from './decide-runs.js';
import { type JobDefinition, type JobRunDependencies, runJob } from './job.js';

export interface JobRunnerSettings {
  /** After this, a job whose worker died runs again; frequent jobs are picked up sooner. */
  readonly lockLifetimeMs: number;
  /** How long a stop waits for running jobs. */
  readonly stopTimeoutMs: number;
}

export interface JobRunnerDependencies extends JobRunDependencies {
  /** Stores schedules and locks. */
  readonly store: {
    readonly backend: AgendaBackend;
    /** Moves up a job that is scheduled after `latest`, and a manual run to `now`. */
    pullBack(name: string, latest: Date, now: Date): Promise<void>;
  };
  readonly definitions: readonly JobDefinition[];
  /** Whether this process's clock, which Agenda uses, is accurate enough for schedules and locks. Default: always. */
  readonly mayRun?: () => boolean;
  readonly settings: JobRunnerSettings;
}

/** `manual`: started once, outside the schedule. */
interface JobData {
  readonly manual?: boolean;
}

const MAX_SCAN_INTERVAL_MS = 1_000;
const SMALLEST_LOCK_LIFETIME_MS = 5_000;
const LOCK_LIFETIME_IN_INTERVALS = 5;
const QUIET_MS = 10_000;
/** How often schedules are checked for instants too far in the future, set by a worker with a wrong clock. */
const PULL_BACK_INTERVAL_MS = 5_000;
/** How often a process that may not run jobs checks whether it may. */
const MAY_RUN_INTERVAL_MS = 500;

/**
 * Runs scheduled jobs with Agenda, in any number of processes: a job is locked by one worker while it runs, and a job that fails or takes
 * long never delays another.
 */
export class JobRunner implements JobScheduler {
  private readonly agenda: Agenda;
  private readonly stopping = new AbortController();
  private readonly running = new Map<Job, Heartbeat | null>();
  private readonly locks: LockGate;
  private starting: Promise<void> = Promise.resolve();
  private quietUntilMs = 0;
  private readonly waitingForEnd = new Set<() => void>();
  private readonly mayRun: () => boolean;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly dependencies: JobRunnerDependencies) {
    const { definitions, store, settings } = dependencies;
    this.mayRun = dependencies.mayRun ?? (() => true);
    this.locks = new LockGate(store.backend.repository, this.mayRun);
    const shortestIntervalMs = Math.min(...definitions.map((definition) => intervalMsOf(definition.schedule)));
    this.agenda = new Agenda({
      backend: store.backend,
      name: `${hostname()}:${process.pid}`,
      processEvery: Math.min(shortestIntervalMs, MAX_SCAN_INTERVAL_MS),
      maxConcurrency: definitions.length,
      defaultLockLifetime: settings.lockLifetimeMs,
    });
    this.agenda.on('error', (error: Error) => this.onError(error));
    this.agenda.on('start', (job: unknown) => this.running.set(job as Job, null));
    this.agenda.on('complete', (job: unknown) => this.onComplete(job as Job));
    for (const definition of definitions) this.define(definition);
  }

  get schedules(): readonly { name: string; schedule: Schedule }[] {
    return this.dependencies.definitions;
  }

  /** Stores the schedules and starts running due jobs, now or as soon as allowed. Call at most once, in processes that run jobs. */
  start(): Promise<void> {
    if (this.mayRun()) {
      this.starting = this.begin();
      return this.starting;
    }
    this.timer = setInterval(() => {
      if (!this.mayRun()) return;
      clearInterval(this.timer);
      this.starting = this.begin().catch((error: Error) => this.onError(error));
    }, MAY_RUN_INTERVAL_MS);
    return Promise.resolve();
  }

  private async begin(): Promise<void> {
    await this.noteSchedules();
    if (this.stopping.signal.aborted) return;
    await this.agenda.start();
    this.timer = setInterval(() => void this.pullBack().catch((error: Error) => this.onError(error)), PULL_BACK_INTERVAL_MS);
  }

  /** Moves up jobs that a worker with a wrong clock has scheduled too late. */
  private async pullBack(): Promise<void> {
    if (!this.mayRun()) return;
    const { clock, store, definitions } = this.dependencies;
    const now = clock.now();
    for (const { name, schedule } of definitions) await store.pullBack(name, decideLatestRun(schedule, now), now);
  }

  /** Starts nothing more, lets running jobs finish their current batch, and releases those that do not finish in time. */
  async stop(): Promise<void> {
    this.stopping.abort();
    // Twice: a process that waits for its clock must not start, and one that has started must stop polling.
    clearInterval(this.timer);
    await this.starting.catch(() => {});
    clearInterval(this.timer);
    await this.locks.close();
    await this.agenda.stop(false);
    await this.locks.settled();
    const deadline = setTimeout(
      () => void this.releaseLocks().then(() => this.endWaiting()),
      this.dependencies.settings.stopTimeoutMs,
    );
    if (this.running.size > 0) await new Promise<void>((resolve) => this.waitingForEnd.add(resolve));
    clearTimeout(deadline);
    await this.locks.settled();
  }

  async scheduledJobs(): Promise<ReadonlyMap<string, ScheduledJob>> {
    await this.agenda.ready;
    const names = this.schedules.map(({ name }) => name);
    const { jobs } = await this.agenda.queryJobs({ names });
    const scheduled = new Map<string, ScheduledJob>();
    for (const { name, nextRunAt, lockedAt, lastRunAt, lastFinishedAt } of jobs) {
      const before = scheduled.get(name);
      const running = Boolean(lockedAt && lastRunAt && (!lastFinishedAt || lastRunAt > lastFinishedAt));
      scheduled.set(name, {
        running: running || before?.running === true,
        nextRunAt: earlier(nextRunAt ?? null, before?.nextRunAt ?? null),
      });
    }
    return scheduled;
  }

  async startNow(name: string): Promise<void> {
    const data: JobData = { manual: true };
    const { jobs } = await this.agenda.queryJobs({ name, data });
    // One pending run is enough, however often it is requested.
    if (jobs.some((job) => job.nextRunAt)) return;
    await this.agenda.create(name, data).schedule(this.dependencies.clock.now()).save();
  }

  /** Runs, in this process and one after the other, the jobs that become due when product time moves. Those that fail are retried by schedule. */
  async runDue(from: Date, to: Date): Promise<void> {
    for (const definition of this.dependencies.definitions) {
      if (this.stopping.signal.aborted) return;
      if (isDueBetween(definition.schedule, from, to)) await runJob(definition, this.dependencies, this.stopping.signal);
    }
  }

  private async noteSchedules(): Promise<void> {
    await this.pullBack();
    for (const { name, schedule } of this.dependencies.definitions) {
      if (this.stopping.signal.aborted) return;
      if ('cron' in schedule) await this.scheduleCron(name, schedule.cron);
      else await this.noteInterval(name, schedule.intervalMs);
    }
  }

  private async noteInterval(name: string, intervalMs: number): Promise<void> {
    const job = await this.agenda.every(intervalMs, name);
    // The schedule may have become more frequent since the next run was stored.
    const latest = new Date(this.dependencies.clock.now().getTime() + intervalMs);
    if (job.attrs.nextRunAt && job.attrs.nextRunAt > latest) await job.schedule(latest).save();
  }

  /** Storing it again would postpone a run that was missed while no worker was running, or that is to be retried. */
  private async scheduleCron(name: string, cron: string): Promise<void> {
    const { jobs } = await this.agenda.queryJobs({ name });
    if (jobs.some((job) => job.repeatInterval === cron && job.nextRunAt)) return;
    await this.agenda.every(cron, name, undefined, { timezone: 'UTC' });
  }

  private define(definition: JobDefinition): void {
    const { name, schedule } = definition;
    const intervalMs = intervalMsOf(schedule);
    const lockLifetime = this.lockLifetimeMs(intervalMs);
    const backoff = ({ attempt }: { attempt: number }) => decideRetryDelay(attempt, intervalMs);
    this.agenda.define<JobData>(name, (job) => this.run(definition, job, lockLifetime), {
      concurrency: 1,
      lockLimit: 1,
      lockLifetime,
      backoff,
      removeOnComplete: true,
    });
  }

  private lockLifetimeMs(intervalMs: number): number {
    const shortMs = Math.max(SMALLEST_LOCK_LIFETIME_MS, LOCK_LIFETIME_IN_INTERVALS * intervalMs);
    return Math.min(this.dependencies.settings.lockLifetimeMs, shortMs);
  }

  private async run(definition: JobDefinition, job: Job<JobData>, lockLifetimeMs: number): Promise<void> {
    const { logger } = this.dependencies;
    const { name, schedule } = definition;
    const onError = (error: Error) => logger.warn({ job: name, reason: describeFailure(error) }, 'could not renew a job lock');
    const heartbeat = new Heartbeat(job as Job, { lockLifetimeMs, intervalMs: intervalMsOf(schedule), onError });
    this.running.set(job as Job, heartbeat);
    let failure: unknown;
    try {
      failure = await runJob(definition, this.dependencies, this.stopping.signal);
    } finally {
      await heartbeat.stop();
      // It was interrupted: another worker should continue now, not at the next scheduled run.
      if (this.stopping.signal.aborted) job.attrs.nextRunAt = new Date();
    }
    // A manual run is not retried: the admin who started it sees the failure.
    if (failure !== null && !job.attrs.data?.manual) throw failure;
  }

  /** While the store is down, each poll fails, several times a second: log it only once in a while. */
  private onError(error: Error): void {
    // Agenda may check a job's lock between the job's end and its update; this is harmless.
    if (error.message.includes('no lockedAt date found')) return;
    if (performance.now() < this.quietUntilMs) return;
    this.quietUntilMs = performance.now() + QUIET_MS;
    this.dependencies.logger.error({ reason: describeFailure(error) }, 'could not poll or lock jobs');
  }

  private onComplete(job: Job): void {
    this.running.delete(job);
    if (this.running.size === 0) this.endWaiting();
  }

  /** Releases the locks of jobs that do not finish, so that another worker need not wait until they expire. */
  private async releaseLocks(): Promise<void> {
    const { repository } = this.dependencies.store.backend;
    for (const [job, heartbeat] of this.running) {
      await heartbeat?.stop();
      job.attrs.lockedAt = undefined;
      job.attrs.nextRunAt = new Date();
      await repository.saveJobState(job.attrs, undefined).catch((error: Error) => this.onError(error));
    }
  }

  private endWaiting(): void {
    for (const resolve of this.waitingForEnd) resolve();
    this.waitingForEnd.clear();
  }
}

function earlier(left: Date | null, right: Date | null): Date | null {
  if (!left || !right) return left ?? right;
  return left < right ? left : right;
}
