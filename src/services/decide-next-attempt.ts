/**
 * When to try again after `attempts` failures: exponential from `firstMs` to at most `longestMs`, the last half of it by
 * chance (`random` in 0..1), so that what failed together is not tried together.
 */
export function decideNextAttempt(
  attempts: number,
  now: Date,
  bounds: { firstMs: number; longestMs: number },
  random: number,
): Date {
  const wholeMs = Math.min(bounds.longestMs, bounds.firstMs * 2 ** Math.min(Math.max(attempts - 1, 0), 30));
  return new Date(now.getTime() + Math.floor(wholeMs / 2 + (wholeMs / 2) * random));
}
