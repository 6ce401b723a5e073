import type { Shutdown } from './lifecycle.js';
import { explainStartupError } from './startup-error.js';

const FAILED_START_BUDGET_MS = 5_000;

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
