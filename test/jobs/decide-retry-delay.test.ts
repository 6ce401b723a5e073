import { describe, expect, test } from '@jest/globals';
import { decideRetryDelay } from '../../src/jobs/decide-retry-delay.js';

describe('A failed job runs again', () => {
  test.each([
    [1, 60_000, 1_000],
    [2, 60_000, 2_000],
    [5, 60_000, 16_000],
    [20, 60_000, 60_000],
    [20, 1_000, 10_000],
    [20, 86_400_000, 300_000],
    [20, Number.POSITIVE_INFINITY, 300_000],
  ])('after failure %i in a row, of a job each %i ms: in %i ms', (failures, intervalMs, delayMs) => {
    expect(decideRetryDelay(failures, intervalMs)).toBe(delayMs);
  });
});
