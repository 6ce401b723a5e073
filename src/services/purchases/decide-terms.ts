/** A day of a subscription is always 24 hours; time zones and daylight saving time do not matter. */
export const DAY_MS = 24 * 60 * 60 * 1000;

/** The period for which a grant bought at `now` gives access: durationDays × 24 hours, end exclusive. */
export function decideTerms(durationDays: number, now: Date): { grantedAt: Date; availableUntil: Date } {
  return { grantedAt: now, availableUntil: new Date(now.getTime() + durationDays * DAY_MS) };
}
