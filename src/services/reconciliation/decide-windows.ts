/** A stretch of Stripe's time, the beginning included, the end not; the last one is open. */
export interface Window {
  readonly from: Date;
  readonly until: Date;
  readonly open: boolean;
}

export interface WindowRules {
  /** How far a run reaches back before the end of the last one: what was made then may have come to be seen later. */
  readonly overlapMs: number;
  /** How far the first run reaches back. */
  readonly lookBackMs: number;
}

const WINDOW_MS = 24 * 60 * 60 * 1000;

/**
 * The stretches that a run has to compare, oldest first, a day each: a run that is cut off leaves off at the end of one.
 * The last is open, because Stripe's clock need not agree with ours.
 */
export function decideWindows(comparedUntil: Date | null, now: Date, rules: WindowRules): Window[] {
  const earliest = now.getTime() - rules.lookBackMs;
  const begin = comparedUntil === null ? earliest : Math.max(comparedUntil.getTime() - rules.overlapMs, earliest);
  const windows: Window[] = [];
  for (let from = Math.min(begin, now.getTime()); ; from += WINDOW_MS) {
    const until = from + WINDOW_MS;
    const open = until >= now.getTime();
    windows.push({ from: new Date(from), until: open ? now : new Date(until), open });
    if (open) return windows;
  }
}

/** The window as a parameter of Stripe's lists, in whole seconds. */
export function createdIn({ from, until, open }: Window): { gte: number; lt?: number } {
  const gte = Math.floor(from.getTime() / 1000);
  return open ? { gte } : { gte, lt: Math.floor(until.getTime() / 1000) };
}
