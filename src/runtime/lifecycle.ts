import { withTimeout } from './concurrency.js';
import { createRedactor } from './redact.js';

interface StepOptions {
  /** Undoes it at once, without waiting, for somebody who does not want to wait. */
  readonly abandon?: () => void;
  /** How long the step waits on purpose before it begins: time of its own, beside the budget that all share. */
  readonly noticeMs?: number;
}

interface Step extends StepOptions {
  readonly name: string;
  /** Undoes what was started. */
  run(): Promise<unknown>;
}

/** The part of the budget that each step still to come keeps for itself. */
const RESERVED_PART = 0.1;
/** npm hands on a signal that the terminal has sent to us already: two within this time are one. */
const SAME_SIGNAL_MS = 500;
const SECOND_SIGNAL_EXIT_CODE = 130;

/** The part of the budget that a start may take to notice that it is to end. */
const START_PART = 0.4;

/** The start goes no further: the end has begun. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Steps that undo what was started, run in the reverse order, within a budget. */
export class Shutdown {
  private readonly steps: Step[] = [];
  private undoing: Step | undefined;
  private running: Promise<number> | undefined;
  private start: Promise<void> = Promise.resolve();
  private signalledAtMs: number | undefined;

  constructor(private readonly tell: (line: string) => void = console.error) {}

  /** Whether the end has begun: what fails from then on fails for that reason. */
  get begun(): boolean {
    return this.running !== undefined;
  }

  /** Notes how to undo what was just started. Ends in Interrupted when the end has begun: start nothing more. */
  add(name: string, run: () => Promise<unknown>, options: StepOptions = {}): void {
    this.steps.push({ name, run, ...options });
    if (this.begun) throw new Interrupted('the end has begun');
  }

  /** The start that adds the steps: the end waits until it has gone no further. */
  during(start: Promise<void>): Promise<void> {
    this.start = start;
    return start;
  }

  /**
   * Undoes everything once, the last first. A step that fails or takes too long is told of and does not keep the others from
   * running. Gives back how many those were. Notices come on top of the budget.
   */
  run(budgetMs: number): Promise<number> {
    this.running ??= this.undo(budgetMs);
    return this.running;
  }

  /** SIGINT, SIGTERM and SIGHUP end the process in order, within `budgetMs`, and so does a defect; a second signal ends it at once. */
  listen(budgetMs: number): void {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => this.onSignal(budgetMs));
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (error: unknown) => {
        this.tell(createRedactor()(`A defect ends the server: ${error instanceof Error ? error.stack : String(error)}`));
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
        this.tell(fault);
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
