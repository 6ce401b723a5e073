import { describe, expect, test } from '@jest/globals';
import { createdIn, decideWindows } from '../../src/services/reconciliation/decide-windows.js';

describe('The time that a run compares', () => {
  const now = new Date('2026-11-23T10:00:00.500Z');
  const rules = { overlapMs: 2 * 3_600_000, lookBackMs: 30 * 86_400_000 };

  test('begins at the end of the last run, less the overlap, and ends open', () => {
    const windows = decideWindows(new Date('2026-11-23T09:00:00.000Z'), now, rules);
    expect(windows).toEqual([{ from: new Date('2026-11-23T07:00:00.000Z'), until: now, open: true }]);
    expect(createdIn(windows[0] as (typeof windows)[number])).toEqual({ gte: Date.UTC(2026, 10, 23, 7) / 1000 });
  });

  test('is cut into days, oldest first, without a gap', () => {
    const windows = decideWindows(new Date('2026-11-20T12:00:00.000Z'), now, rules);
    expect(windows.map((window) => window.open)).toEqual([false, false, false, true].slice(-windows.length));
    for (const [index, window] of windows.entries()) expect(window.from).toEqual(windows[index - 1]?.until ?? window.from);
    expect(windows[0]?.from).toEqual(new Date('2026-11-20T10:00:00.000Z'));
  });

  test.each([[null], [new Date('2025-01-01T00:00:00.000Z')]])('reaches back no further than Stripe keeps events (%j)', (last) => {
    const windows = decideWindows(last, now, rules);
    expect(windows[0]?.from).toEqual(new Date(now.getTime() - rules.lookBackMs));
    expect(windows.length).toBeLessThanOrEqual(31);
  });

  test('is one open window when the last run was made by a clock that is ahead', () => {
    const windows = decideWindows(new Date('2026-12-23T10:00:00.000Z'), now, rules);
    expect(windows.map((window) => window.open)).toEqual([true]);
  });
});
