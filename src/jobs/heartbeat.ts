import type { Job } from 'agenda';

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
