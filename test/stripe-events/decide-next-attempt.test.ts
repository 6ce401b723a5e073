import { describe, expect, test } from '@jest/globals';
import { decideNextAttempt } from '../../src/runtime/decide-next-attempt.js';

const rules = { maxAttempts: 5, backoffMs: 1_000, backoffMaximumMs: 6_000 };
const now = new Date('2026-11-23T10:00:00.000Z');
const waitMs = (attempts: number, chance: number) => {
  const next = decideNextAttempt({ attempts, now, chance }, rules);
  return next && next.getTime() - now.getTime();
};

describe('When a failed event is tried again', () => {
  test.each([
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
    [4, 6_000],
  ])('after attempt %i it waits at most %i ms, and at least half of that', (attempts, maxMs) => {
    expect(waitMs(attempts, 1)).toBe(maxMs);
    expect(waitMs(attempts, 0)).toBe(maxMs / 2);
    expect(waitMs(attempts, 0.5)).toBe(maxMs * 0.75);
  });

  test('after the last attempt it is not tried again', () => {
    expect(waitMs(5, 0)).toBeNull();
    expect(waitMs(50, 0)).toBeNull();
  });
});
