import type { Job, JobRepository } from 'agenda';

/**
 * Wraps Agenda's job store, for an orderly stop. Agenda's own stop releases the locks that it knows of, but a poll that is running at
 * that moment still takes one, which would block the job for all workers until the lock expires. A job that is about to start is in none
 * of Agenda's lists while its first update is being written.
 */
export class LockGate {
  private readonly underWay = new Set<Promise<unknown>>();
  private closed = false;

  /** `mayRun`: whether jobs may be started now. */
  constructor(repository: JobRepository, mayRun: () => boolean) {
    const getNextJobToRun = repository.getNextJobToRun.bind(repository);
    const saveJobState = repository.saveJobState.bind(repository);
    const removeJobs = repository.removeJobs.bind(repository);
    repository.getNextJobToRun = async (...question) =>
      this.closed || !mayRun() ? undefined : this.follow(getNextJobToRun(...question));
    repository.saveJobState = (...state) => this.follow(saveJobState(...state));
    repository.removeJobs = (options) => this.follow(removeJobs(options));
  }

  /** Prevents further locks; resolves when Agenda knows of all that were taken. */
  async close(): Promise<void> {
    this.closed = true;
    await this.settled();
  }

  /** Resolves when no call to the store is running, and Agenda has received all results. */
  async settled(): Promise<void> {
    while (this.underWay.size > 0) {
      await Promise.allSettled(this.underWay);
      await new Promise(setImmediate);
    }
  }

  private follow<Answer>(call: Promise<Answer>): Promise<Answer> {
    const followed = call.finally(() => this.underWay.delete(followed));
    this.underWay.add(followed);
    return followed;
  }
}

export interface HeartbeatSettings {
  readonly lockLifetimeMs: number;
  readonly intervalMs: number;
  /** A failed heartbeat does not end the job: the next one may succeed before the lock expires. */
  readonly onError: (error: Error) => void;
}

/**
 * Renews the lock of a running job, so that no other worker considers it dead. A job with a long interval is also kept due soon while it
 * runs: Agenda schedules the next run before it starts a job, so a job whose worker died would otherwise wait for its next run, which may
 * be a day away.
 */
export class Heartbeat {
  private readonly timer: NodeJS.Timeout;
  private readonly plannedAt: Date | null;
  private beating: Promise<void> = Promise.resolve();

  constructor(
    private readonly job: Job,
    private readonly settings: HeartbeatSettings,
  ) {
    this.plannedAt = job.attrs.nextRunAt ?? null;
    if (this.isFarAway()) this.beat();
    this.timer = setInterval(() => this.beat(), settings.lockLifetimeMs / 3);
    this.timer.unref();
  }

  /** Resolves when no heartbeat is running: a late one would lock the job again after its end. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.beating;
    this.job.attrs.nextRunAt = this.plannedAt;
  }

  private isFarAway(): boolean {
    return this.plannedAt !== null && this.settings.intervalMs > this.settings.lockLifetimeMs;
  }

  private beat(): void {
    this.beating = this.beating.then(async () => {
      if (this.isFarAway()) this.job.attrs.nextRunAt = new Date(Date.now() + this.settings.lockLifetimeMs);
      await this.job.touch().catch(this.settings.onError);
    });
  }
}
