/**
 * Agenda leaves a timer of half a lock's lifetime behind for each run of a job, though the job has ended. Call it first in a test that
 * runs jobs itself: such timers then do not keep Jest's worker from exiting.
 */
export function unrefAgendaTimers(): void {
  const { setTimeout: original } = globalThis;
  globalThis.setTimeout = Object.assign((...given: Parameters<typeof original>) => {
    const timer = original(...given);
    if (new Error().stack?.includes('JobProcessor')) timer.unref();
    return timer;
  }, original) as typeof original;
}
