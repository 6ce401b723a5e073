/** What the work gives, or what `late` gives when it takes longer than `limitMs`. The work goes on then. Fails as the work does. */
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

/** The work, done once for all who ask for it while it is under way; they share its result, or its error. */
export function singleFlight<Result>(work: () => Promise<Result>): () => Promise<Result> {
  let underWay: Promise<Result> | null = null;
  return () => {
    underWay ??= work().finally(() => {
      underWay = null;
    });
    return underWay;
  };
}

/** Does the work for each item in turn: one that fails does not keep the others from theirs. Ends in the first error, after all. */
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
 * The work's result, for all who ask while it is under way and for `lifetimeMs` after it ended; then the work is done again. So
 * however often it is asked for, it runs about once in that time. An error is shared by those who waited, and not kept.
 */
export function keptFor<Result>(
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
