import { describe, expect, test } from '@jest/globals';
import { decideNewVersion } from '../../src/services/catalogue/decide-new-version.js';

describe('a new version', () => {
  const current = { pricePerDay: 10, durationDays: 30, filmIds: ['a', 'b'] };

  test.each([
    ['nothing given', {}, false],
    ['the same again', { pricePerDay: 10, durationDays: 30, filmIds: ['b', 'a'] }, false],
    ['a price of nothing', { pricePerDay: 0 }, true],
    ['another duration', { durationDays: 31 }, true],
    ['a film less', { filmIds: ['a'] }, true],
    ['a film more', { filmIds: ['a', 'b', 'c'] }, true],
    ['as many films, others', { filmIds: ['a', 'c'] }, true],
  ])('with %s', (_what, change, expected) => {
    expect(decideNewVersion(current, change)).toEqual(expected ? { ...current, ...change } : null);
  });
});
