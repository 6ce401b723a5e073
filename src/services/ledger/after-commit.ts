/** What is to be done once a transaction has committed: announcing, waking. Nothing of it is done when it rolls back. */
export class AfterCommit {
  private readonly tasks: (() => void)[] = [];

  add(task: () => void): void {
    this.tasks.push(task);
  }

  /** Call once, after the commit. */
  run(): void {
    for (const task of this.tasks.splice(0)) task();
  }
}
