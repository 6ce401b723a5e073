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
    expect(windows.map((window) => window.open)).toEqual([false, false, false, true]);
    for (const [index, window] of windows.entries()) expect(window.from).toEqual(windows[index - 1]?.until ?? window.from);
    expect(windows[0]?.from).toEqual(new Date('2026-11-20T10:00:00.000Z'));
  });

  test.each([[null], [new Date('2025-01-01T00:00:00.000Z')]])('reaches back no further than Stripe keeps events (%j)', (last) => {
    const windows = decideWindows(last, now, rules);
    expect(windows[0]?.from).toEqual(new Date(now.getTime() - rules.lookBackMs));
    expect(windows.length).toBeLessThanOrEqual(31);
  });

  test('is one open window when it is exactly a day', () => {
    const windows = decideWindows(new Date(now.getTime() - 22 * 3_600_000), now, rules);
    expect(windows).toEqual([{ from: new Date(now.getTime() - 86_400_000), until: now, open: true }]);
  });

  test('is asked for in whole seconds, and a window that is not the last one ends', () => {
    const from = new Date('2026-11-22T07:00:00.900Z');
    const until = new Date('2026-11-23T07:00:00.900Z');
    const gte = Date.UTC(2026, 10, 22, 7) / 1000;
    expect(createdIn({ from, until, open: false })).toEqual({ gte, lt: gte + 86_400 });
    expect(createdIn({ from, until, open: true })).toEqual({ gte });
  });

  test('is one open window when the last run was made by a clock that is ahead', () => {
    const windows = decideWindows(new Date('2026-12-23T10:00:00.000Z'), now, rules);
    expect(windows.map((window) => window.open)).toEqual([true]);
  });
});
