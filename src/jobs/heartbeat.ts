import type { Job } from 'agenda';

export interface HeartbeatSettings {
  readonly lockLifetimeMs: number;
  readonly intervalMs: number;
  /** A beat that fails is not the end of the job: the next one may succeed before the lock is lost. */
  readonly onError: (error: Error) => void;
}

/**
 * Keeps the lock of a running job, so that no other worker takes it for dead. A job of a long interval is also kept due
 * soon while it runs: Agenda notes the next run before it begins, and with that alone a job whose worker died would wait
 * for its next turn, which may be a day away.
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

  /** Ends when no beat is under way any more: a late one would lock the job again after its end. */
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
