import { describe, expect, test } from '@jest/globals';
import { isDueBetween } from '../../src/jobs/decide-due-between.js';

const at = (time: string) => new Date(`2026-03-${time}:00Z`);

describe('When product time moves', () => {
  test('a job with an interval is due, however short the move', () => {
    expect(isDueBetween({ intervalMs: 3_600_000 }, at('01T12:00'), at('01T12:01'))).toBe(true);
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
