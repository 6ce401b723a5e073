import type { JobRepository } from 'agenda';

/**
 * Stands between Agenda and the locks of jobs. Agenda's stop hands back the locks that it knows of, but a look for jobs that
 * is under way just then still takes one, which would keep the job from all workers for its lock's lifetime.
 */
export class LockGate {
  private readonly looking = new Set<Promise<unknown>>();
  private closed = false;

  constructor(repository: JobRepository) {
    const getNextJobToRun = repository.getNextJobToRun.bind(repository);
    repository.getNextJobToRun = async (...question) => {
      if (this.closed) return undefined;
      const look = getNextJobToRun(...question);
      this.looking.add(look);
      return look.finally(() => this.looking.delete(look));
    };
  }

  /** No lock is taken any more; ends when Agenda knows of all that were. */
  async close(): Promise<void> {
    this.closed = true;
    await Promise.allSettled(this.looking);
    await new Promise(setImmediate);
  }
}
