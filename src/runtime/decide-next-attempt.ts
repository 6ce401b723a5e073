export interface RetryRules {
  readonly largestAttempts: number;
  /** The wait after the first failure; it doubles with each further one. */
  readonly backoffMs: number;
  readonly backoffMaximumMs: number;
}

export interface FailedAttempt {
  /** How often it has been tried by now, this attempt included. */
  readonly attempts: number;
  readonly now: Date;
  /** From 0 to 1: spreads the retries of things that failed together. */
  readonly chance: number;
}

/** When to try again after a failed attempt: between half of the wait and all of it from now; null when that was the last. */
export function decideNextAttempt({ attempts, now, chance }: FailedAttempt, rules: RetryRules): Date | null {
  if (attempts >= rules.largestAttempts) return null;
  const waitMs = Math.min(rules.backoffMs * 2 ** (attempts - 1), rules.backoffMaximumMs);
  return new Date(now.getTime() + Math.ceil(waitMs * (0.5 + chance / 2)));
}
