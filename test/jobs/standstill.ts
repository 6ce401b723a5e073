import type { JobParameters } from 'agenda';

const LOOK_EACH_MS = 100;

/** Watches the store of jobs from outside: how long each stood still, and which workers had them. */
export class StandstillWatch {
  /** The longest time, by job, in which it was due and nobody gave a sign of being at it. */
  readonly longestMs = new Map<string, number>();
  /** Names of workers, as the store knows them. */
  readonly workers = new Set<string>();
  /** The longest time between two looks: how far this machine lags behind, so that what was seen may be as much too long. */
  longestPauseMs = 0;
  private lookedAtMs = Date.now();
  private readonly timer: NodeJS.Timeout;
  private looking: Promise<void> = Promise.resolve();

  constructor(private readonly jobs: () => Promise<JobParameters[]>) {
    this.timer = setInterval(() => {
      this.looking = this.looking.then(() => this.look());
    }, LOOK_EACH_MS);
  }

  async stop(): Promise<void> {
    clearInterval(this.timer);
    await this.looking;
  }

  private async look(): Promise<void> {
    const jobs = await this.jobs();
    const now = Date.now();
    this.longestPauseMs = Math.max(this.longestPauseMs, now - this.lookedAtMs);
    this.lookedAtMs = now;
    for (const { name, nextRunAt, lockedAt, lastModifiedBy } of jobs) {
      if (lastModifiedBy) this.workers.add(lastModifiedBy);
      // A lock is prolonged while its worker lives.
      const sign = Math.max(nextRunAt?.getTime() ?? now, lockedAt?.getTime() ?? 0);
      this.longestMs.set(name, Math.max(this.longestMs.get(name) ?? 0, now - sign));
    }
  }
}
