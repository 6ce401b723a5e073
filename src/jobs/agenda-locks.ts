import type { JobRepository } from 'agenda';

/**
 * Stands between Agenda and the store of jobs, for a stop in order. Agenda's own stop hands back the locks that it knows of,
 * but a look for jobs that is under way just then still takes one, which would keep the job from all workers for its lock's
 * lifetime; and a job that is about to begin is in none of its lists while its first note is being written.
 */
export class LockGate {
  private readonly underWay = new Set<Promise<unknown>>();
  private closed = false;

  /** `mayRun`: whether jobs may be begun now. */
  constructor(repository: JobRepository, mayRun: () => boolean) {
    const getNextJobToRun = repository.getNextJobToRun.bind(repository);
    const saveJobState = repository.saveJobState.bind(repository);
    const removeJobs = repository.removeJobs.bind(repository);
    repository.getNextJobToRun = async (...question) =>
      this.closed || !mayRun() ? undefined : this.follow(getNextJobToRun(...question));
    repository.saveJobState = (...state) => this.follow(saveJobState(...state));
    repository.removeJobs = (options) => this.follow(removeJobs(options));
  }

  /** No lock is taken any more; ends when Agenda knows of all that were. */
  async close(): Promise<void> {
    this.closed = true;
    await this.settled();
  }

  /** Ends when nothing is being asked of the store, and Agenda has heard the answers. */
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
