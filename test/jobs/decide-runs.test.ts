import { describe, expect, test } from '@jest/globals';
import { decideLatestRun, decideRetryDelay, isDueBetween } from '../../src/jobs/decide-runs.js';

const at = (time: string) => new Date(`2026-03-${time}:00Z`);

describe('When product time moves', () => {
  test('a job with an interval is due, however short the move', () => {
    const from = at('01T12:00');
    expect(isDueBetween({ intervalMs: 3_600_000 }, from, new Date(from.getTime() + 1))).toBe(true);
  });

  test.each([
    ['its hour is passed', '01T03:00', '01T04:00', true],
    ['its hour is reached', '01T03:00', '01T03:15', true],
    ['days are passed', '01T04:00', '05T02:00', true],
    ['its hour is still to come', '01T03:00', '01T03:14', false],
    ['its hour was before', '01T03:15', '02T03:14', false],
  ])('a job with a cron line, when %s, is due: %j to %j: %j', (_when, from, to, due) => {
    expect(isDueBetween({ cron: '15 3 * * *' }, at(from), at(to))).toBe(due);
  });
});

describe('The latest instant for a job', () => {
  const now = new Date('2026-03-01T12:00:00.000Z');
  test.each([
    ['of an interval is an interval away', { intervalMs: 3_600_000 }, '2026-03-01T13:00:00.000Z'],
    ['of a dense interval leaves a failing job its 10 seconds', { intervalMs: 1_000 }, '2026-03-01T12:00:10.000Z'],
    ['of a cron line is its next turn', { cron: '15 3 * * *' }, '2026-03-02T03:15:00.000Z'],
    [
      'of a cron line leaves out a turn that a clock a little ahead has begun',
      { cron: '0 12 1 3 *' },
      '2027-03-01T12:00:00.000Z',
    ],
  ])('%s', (_what, schedule, expected) => {
    expect(decideLatestRun(schedule, now).toISOString()).toBe(expected);
  });
  test('counts a turn within 30 seconds as begun', () => {
    expect(decideLatestRun({ cron: '15 3 * * *' }, new Date('2026-03-01T03:14:40.000Z')).toISOString()).toBe(
      '2026-03-02T03:15:00.000Z',
    );
  });
});

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
