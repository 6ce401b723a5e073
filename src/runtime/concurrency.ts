/** Resolves to the result of the work, or to that of `late` after `limitMs`; the work then continues. Rejects if the work does. */
export async function withTimeout<Result, Late>(
  limitMs: number,
  work: Promise<Result> | Result,
  late: () => Late,
): Promise<Result | Late> {
  let timer: NodeJS.Timeout | undefined;
  const tooLate = new Promise<Late>((resolve) => {
    timer = setTimeout(() => resolve(late()), limitMs);
  });
  try {
    return await Promise.race([work, tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs the work once for all callers that arrive while it is running; they share its result or error. */
export function singleFlight<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let underWay: Promise<Result> | null = null;
  return () => {
    underWay ??= work().finally(() => {
      underWay = null;
    });
    return underWay;
  };
}

/** Runs the work for each item in turn, even if some fail. Then throws the first error. */
export async function forEachSettled<Item>(
  items: readonly Item[] | AsyncIterable<Item>,
  work: (item: Item) => Promise<unknown>,
): Promise<void> {
  let firstError: unknown = null;
  for await (const item of items) {
    try {
      await work(item);
    } catch (error) {
      firstError ??= error;
    }
  }
  if (firstError !== null) throw firstError;
}

/**
 * Caches the result of the work while it runs and for `lifetimeMs` after it ended, so that it runs about once in that time, however
 * often it is called. An error is shared by the callers that waited for it, but not cached.
 */
export function cachedFor<Result>(
  lifetimeMs: number,
  work: () => Promise<Result>,
  nowMs: () => number = () => performance.now(),
): () => Promise<Result> {
  let kept: { result: Promise<Result>; until: number } | null = null;
  return () => {
    if (kept && nowMs() < kept.until) return kept.result;
    const own = { result: work(), until: Number.POSITIVE_INFINITY };
    kept = own;
    own.result.then(
      () => {
        own.until = nowMs() + lifetimeMs;
      },
      () => {
        if (kept === own) kept = null;
      },
    );
    return own.result;
  };
}
