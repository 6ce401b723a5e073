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
