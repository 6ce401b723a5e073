/** A day of a subscription is always 24 hours: time zones and summer time do not come into it. */
export const DAY_MS = 24 * 60 * 60 * 1000;

/** From when until when a grant bought at `now` gives access: durationDays × 24 hours, the end not included. */
export function decideTerms(durationDays: number, now: Date): { grantedAt: Date; availableUntil: Date } {
  return { grantedAt: now, availableUntil: new Date(now.getTime() + durationDays * DAY_MS) };
}
