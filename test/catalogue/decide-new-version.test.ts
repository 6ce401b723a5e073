import { describe, expect, test } from '@jest/globals';
import { decideNewVersion } from '../../src/services/catalogue/decide-new-version.js';

describe('A change of a subscription', () => {
  const NEW = 'makes a new version with its terms';
  const current = { pricePerDay: 10, durationDays: 30, filmIds: ['a', 'b'] };

  test.each([
    ['nothing given', 'needs no new version', {}],
    ['the same terms again', 'needs no new version', { pricePerDay: 10, durationDays: 30, filmIds: ['b', 'a'] }],
    ['a price of nothing', NEW, { pricePerDay: 0 }],
    ['another duration', NEW, { durationDays: 31 }],
    ['a film less', NEW, { filmIds: ['a'] }],
    ['a film more', NEW, { filmIds: ['a', 'b', 'c'] }],
    ['as many films, others', NEW, { filmIds: ['a', 'c'] }],
  ])('with %s %s', (_what, outcome, change) => {
    expect(decideNewVersion(current, change)).toEqual(outcome === NEW ? { ...current, ...change } : null);
  });
});
