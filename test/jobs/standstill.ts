import type { JobParameters } from 'agenda';

/** Between two looks; on a busy machine more. */
export const LOOK_EACH_MS = 100;

/**
 * Watches the job store from outside: how long each job was at a standstill, and which workers had it. It counts looks instead of
 * time: a machine that lags makes fewer of them.
 */
export class StandstillWatch {
  /** The most looks in a row, by job, at which it was due and nobody had given a sign of being at it since the first of them. */
  readonly mostLooks = new Map<string, number>();
  /** Names of workers, as the store knows them. */
  readonly workers = new Set<string>();
  private readonly still = new Map<string, { sign: number; looks: number }>();
  private stopped = false;
  private readonly watching: Promise<void>;

  constructor(private readonly jobs: () => Promise<JobParameters[]>) {
    this.watching = this.watch();
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.watching;
  }

  private async watch(): Promise<void> {
    while (!this.stopped) {
      await this.look();
      await new Promise((resolve) => setTimeout(resolve, LOOK_EACH_MS));
    }
  }

  private async look(): Promise<void> {
    const jobs = await this.jobs();
    const now = Date.now();
    for (const { name, nextRunAt, lockedAt, lastModifiedBy } of jobs) {
      if (lastModifiedBy) this.workers.add(lastModifiedBy);
      // A lock is prolonged while its worker lives.
      const sign = Math.max(nextRunAt?.getTime() ?? now, lockedAt?.getTime() ?? 0);
      const before = this.still.get(name);
      const looks = sign > now ? 0 : before?.sign === sign ? before.looks + 1 : 1;
      this.still.set(name, { sign, looks });
      this.mostLooks.set(name, Math.max(this.mostLooks.get(name) ?? 0, looks));
    }
  }
}
