import { explainStartupError } from '../runtime/startup-error.js';

/** Runs a command. If it fails, reports why and exits with 1. */
export function runCommand(work: () => Promise<void>): void {
  work().catch((error: unknown) => {
    console.error(explainStartupError(error));
    process.exitCode = 1;
  });
}
