import { describe, expect, test } from '@jest/globals';
import { decideLatestRun } from '../../src/jobs/decide-latest-run.js';

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
