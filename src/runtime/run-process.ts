import type { Shutdown } from './lifecycle.js';
import { explainStartupError } from './startup-error.js';

const FAILED_START_BUDGET_MS = 5_000;

/** Runs a start. One that fails tells why, undoes what it had done and ends the process with 1. */
export async function runProcess(shutdown: Shutdown, start: () => Promise<void>): Promise<void> {
  try {
    await shutdown.during(start());
  } catch (error) {
    // A signal in the middle of the start takes away what the start stands on.
    if (shutdown.begun) return;
    console.error(explainStartupError(error));
    await shutdown.run(FAILED_START_BUDGET_MS);
    process.exit(1);
  }
}
