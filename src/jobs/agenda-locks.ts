import type { JobRepository } from 'agenda';

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
