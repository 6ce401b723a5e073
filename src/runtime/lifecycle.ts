import { withTimeout } from './concurrency.js';
import { createRedactor } from './redact.js';
import { explainStartupError } from './startup-error.js';

interface StepOptions {
  /** Undoes it immediately, without waiting. */
  readonly abandon?: () => void;
  /** How long the step waits deliberately before it starts, in addition to the shared budget. */
  readonly noticeMs?: number;
}

interface Step extends StepOptions {
  readonly name: string;
  /** Undoes what was started. */
  run(): Promise<unknown>;
}

/** The fraction of the budget reserved for each remaining step. */
const RESERVED_PART = 0.1;
/** npm forwards a signal that the terminal has already sent to us: two within this time count as one. */
const SAME_SIGNAL_MS = 500;
const SECOND_SIGNAL_EXIT_CODE = 130;

/** How long it may take to undo a failed startup. */
const FAILED_START_BUDGET_MS = 5_000;

/** The fraction of the budget that a startup in progress may take to stop. */
const START_PART = 0.4;

/** Stops the startup because the shutdown has begun. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Steps that undo what was started, run in reverse order within a budget. */
export class Shutdown {
  private readonly steps: Step[] = [];
  private undoing: Step | undefined;
  private running: Promise<number> | undefined;
  private start: Promise<void> = Promise.resolve();
  private signalledAtMs: number | undefined;

  constructor(private readonly report: (line: string) => void = console.error) {}

  /** Whether the shutdown has begun; later failures are its consequence. */
  get begun(): boolean {
    return this.running !== undefined;
  }

  /**
   * Registers how to undo what was just started.
   *
   * @throws Interrupted when the shutdown has begun, so that nothing more is started
   */
  add(name: string, run: () => Promise<unknown>, options: StepOptions = {}): void {
    this.steps.push({ name, run, ...options });
    if (this.begun) throw new Interrupted('the shutdown has begun');
  }

  /** Registers the startup that adds the steps: the shutdown waits until it has stopped. */
  during(start: Promise<void>): Promise<void> {
    this.start = start;
    return start;
  }

  /**
   * Undoes everything once, last step first. A step that fails or takes too long is reported and does not prevent the others. Returns the
   * number of such steps. Notices are in addition to the budget.
   */
  run(budgetMs: number): Promise<number> {
    this.running ??= this.undo(budgetMs);
    return this.running;
  }

  /** SIGINT, SIGTERM, SIGHUP and defects stop the process in order, within `budgetMs`; a second signal ends it immediately. */
  listen(budgetMs: number): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.onSignal(budgetMs));
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error: unknown) => {
        this.report(
          createRedactor()(`Shutting down after an unexpected error: ${error instanceof Error ? error.stack : String(error)}`),
        );
        if (!this.begun) void this.run(budgetMs).then(() => process.exit(1));
      });
    }
  }

  private onSignal(budgetMs: number): void {
    if (this.signalledAtMs === undefined) {
      this.signalledAtMs = performance.now();
      void this.run(budgetMs).then((faultCount) => process.exit(faultCount > 0 ? 1 : 0));
    } else if (performance.now() - this.signalledAtMs > SAME_SIGNAL_MS) {
      for (const step of [...this.steps, this.undoing]) step?.abandon?.();
      process.exit(SECOND_SIGNAL_EXIT_CODE);
    }
  }

  private async undo(budgetMs: number): Promise<number> {
    let deadline = performance.now() + budgetMs;
    let faultCount = 0;
    const startEnded = this.start.catch(() => undefined);
    await withTimeout(START_PART * budgetMs, startEnded, () => undefined);
    for (let step = this.steps.pop(); step; step = this.steps.pop()) {
      this.undoing = step;
      deadline += step.noticeMs ?? 0;
      const reservedMs = this.steps.length * RESERVED_PART * budgetMs;
      const fault = await faultOf(step, Math.max(deadline - reservedMs - performance.now(), 0));
      if (fault) {
        faultCount++;
        this.report(fault);
        step.abandon?.();
      }
    }
    return faultCount;
  }
}

async function faultOf(step: Step, timeoutMs: number): Promise<string | undefined> {
  try {
    const ended = step.run().then(() => undefined);
    return await withTimeout(timeoutMs, ended, () => `Stopping ${step.name} took more than ${Math.round(timeoutMs)} ms.`);
  } catch (error) {
    return `Stopping ${step.name} failed: ${(error as Error).message}`;
  }
}

/** Runs a startup. If it fails, reports why, undoes what was started and exits with 1. */
export async function runProcess(shutdown: Shutdown, start: () => Promise<void>): Promise<void> {
  try {
    await shutdown.during(start());
  } catch (error) {
    // A signal during startup stops what the startup depends on.
    if (shutdown.begun) return;
    console.error(explainStartupError(error));
    await shutdown.run(FAILED_START_BUDGET_MS);
    process.exit(1);
  }
}
