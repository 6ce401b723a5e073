/** Steps that undo what was started, run in the reverse order. */
export class Shutdown {
  private readonly steps: { name: string; run: () => Promise<unknown> }[] = [];
  private running: Promise<void> | undefined;

  /** `run` undoes what was just started. */
  add(name: string, run: () => Promise<unknown>): void {
    this.steps.push({ name, run });
  }

  /** Undoes everything once, the last first. A step that fails is told of and does not keep the others from running. */
  run(): Promise<void> {
    this.running ??= this.undo();
    return this.running;
  }

  private async undo(): Promise<void> {
    for (const { name, run } of this.steps.reverse()) {
      try {
        await run();
      } catch (error) {
        console.error(`Stopping ${name} failed: ${(error as Error).message}`);
      }
    }
  }

  /** SIGINT and SIGTERM end the process in order, within `budgetMs`; a second signal ends it at once. */
  listen(budgetMs: number): void {
    let signalled = false;
    const onSignal = (signal: NodeJS.Signals) => {
      if (signalled) process.exit(1);
      signalled = true;
      console.error(`${signal}: stopping`);
      setTimeout(() => {
        console.error(`Not stopped within ${budgetMs} ms; leaving it at that.`);
        process.exit(1);
      }, budgetMs).unref();
      void this.run().then(() => process.exit(0));
    };
    process.on('SIGINT', onSignal);
    process.on('SIGTERM', onSignal);
  }
}
