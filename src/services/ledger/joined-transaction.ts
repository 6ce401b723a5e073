import type { Queryable } from '../../stores/database.js';

/**
 * An open transaction that changes can join, with what follows its commit. Its private fields keep any other object from being
 * passed for one, which would silently open a second transaction.
 */
export class JoinedTransaction {
  private readonly tasks: (() => void)[] = [];
  private readonly found: string[] = [];

  constructor(readonly tx: Queryable) {}

  /** Work for after the commit, such as notifying. It must not throw; it is dropped when the transaction rolls back. */
  afterCommit(task: () => void): void {
    this.tasks.push(task);
  }

  /** Records what an operator must look at: what was booked although something is wrong with it, or never becomes money. */
  report(problem: string): void {
    this.found.push(problem);
  }

  /** What was reported, in order. */
  get problems(): readonly string[] {
    return this.found;
  }

  /** Runs the work for after the commit, once. For whoever opened the transaction. */
  committed(): void {
    for (const task of this.tasks.splice(0)) task();
  }
}
