import type { Queryable } from '../../stores/database.js';

/**
 * An open transaction that changes can join, with the work that follows its commit. Its private fields keep any other object
 * from being passed in its place, which would silently open a second transaction.
 */
export class JoinedTransaction {
  private readonly tasks: (() => void)[] = [];
  private readonly found: string[] = [];

  constructor(readonly tx: Queryable) {}

  /**
   * Schedules work for after the commit, such as notifying. It must not throw; it is dropped when the transaction rolls back.
   */
  afterCommit(task: () => void): void {
    this.tasks.push(task);
  }

  /**
   * Records what an operator must look at: something that was booked although it looks wrong, or that was not booked at all.
   */
  report(problem: string): void {
    this.found.push(problem);
  }

  /** What was reported, in order. */
  get problems(): readonly string[] {
    return this.found;
  }

  /** Runs the work for after the commit, once. Called only by what opened the transaction. */
  committed(): void {
    for (const task of this.tasks.splice(0)) task();
  }
}
