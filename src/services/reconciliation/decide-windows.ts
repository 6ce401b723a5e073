/** A range of Stripe's creation times: `from` is inclusive, `until` exclusive. The last window is open. */
export interface Window {
  readonly from: Date;
  readonly until: Date;
  readonly open: boolean;
}

export interface WindowRules {
  /** How far a run goes back before the end of the last one: objects created then may have become visible later. */
  readonly overlapMs: number;
  /** How far back the first run goes. */
  readonly lookBackMs: number;
}

const WINDOW_MS = 24 * 60 * 60 * 1000;

/**
 * Returns the windows that a run has to compare, oldest first, one day each: a run that is interrupted keeps its completed windows.
 * The last one is open, because Stripe's clock may differ from ours.
 */
export function decideWindows(comparedUntil: Date | null, now: Date, rules: WindowRules): Window[] {
  const earliest = now.getTime() - rules.lookBackMs;
  const start = comparedUntil === null ? earliest : Math.max(comparedUntil.getTime() - rules.overlapMs, earliest);
  const windows: Window[] = [];
  for (let from = Math.min(start, now.getTime()); ; from += WINDOW_MS) {
    const until = from + WINDOW_MS;
    const open = until >= now.getTime();
    windows.push({ from: new Date(from), until: open ? now : new Date(until), open });
    if (open) return windows;
  }
}

/** Converts the window to the `created` parameter of Stripe's lists, in whole seconds. */
export function createdIn({ from, until, open }: Window): { gte: number; lt?: number } {
  const gte = Math.floor(from.getTime() / 1000);
  return open ? { gte } : { gte, lt: Math.floor(until.getTime() / 1000) };
}
