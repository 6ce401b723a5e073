export interface RetryRules {
  readonly maxAttempts: number;
  /** The wait after the first failure; it doubles with each further one. */
  readonly backoffMs: number;
  readonly backoffMaximumMs: number;
}

export interface FailedAttempt {
  /** The number of attempts so far, including this one. */
  readonly attempts: number;
  readonly now: Date;
  /** A random number from 0 to 1 that spreads the retries of simultaneous failures. */
  readonly chance: number;
}

/** When to retry after a failed attempt: after half to all of the wait. Null if that was the last attempt. */
export function decideNextAttempt({ attempts, now, chance }: FailedAttempt, rules: RetryRules): Date | null {
  if (attempts >= rules.maxAttempts) return null;
  const waitMs = Math.min(rules.backoffMs * 2 ** (attempts - 1), rules.backoffMaximumMs);
  return new Date(now.getTime() + Math.ceil(waitMs * (0.5 + chance / 2)));
}
