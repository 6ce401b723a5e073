import { describe, expect, test } from '@jest/globals';
import { InvalidArgument } from '../../src/services/errors.js';
import { checkedFirst, decodeCursor, encodeCursor, InvalidCursor, pageOf } from '../../src/services/pagination.js';

const id = '01939c1e-0000-7000-8000-000000000001';

describe('a cursor', () => {
  test('decodes to the values that it was made of', () => {
    const now = new Date('2026-11-23T09:34:37.123Z');
    expect(decodeCursor(encodeCursor(['Metropolis ✓', 12, id, now]), ['text', 'integer', 'uuid', 'instant'])).toEqual([
      'Metropolis ✓',
      12,
      id,
      now,
    ]);
  });

  test.each([
    ['nothing', ''],
    ['no JSON', 'AAAA'],
    ['no list', Buffer.from('{}').toString('base64url')],
    ['too few values', encodeCursor(['Metropolis'])],
    ['a value of another kind', encodeCursor([1, id])],
    ['an id that is no UUID', encodeCursor(['Metropolis', '1'])],
    ['a NUL, which Postgres refuses', encodeCursor(['Metro\0polis', id])],
    ['more than any cursor needs', encodeCursor(['x'.repeat(10_000), id])],
  ])('with %s is refused', (_what, text) => {
    expect(() => decodeCursor(text, ['text', 'uuid'])).toThrow(InvalidCursor);
  });

  test.each([
    ['after the last instant of JavaScript', 8.64e15 + 1],
    ['before the first instant of Postgres', -210_866_803_200_001],
    ['at the first instant of JavaScript, which Postgres does not know', -8.64e15],
  ])('%s is refused', (_where, instant) => {
    expect(() => decodeCursor(encodeCursor([instant]), ['instant'])).toThrow(InvalidCursor);
  });
});

describe('a page', () => {
  const rows = [{ title: 'a' }, { title: 'b' }, { title: 'c' }];
  const positionOf = (row: { title: string }) => [row.title];

  test('drops the extra row, which only shows that there is more', () => {
    const page = pageOf(rows, 2, positionOf);
    expect(page.nodes).toEqual([{ title: 'a' }, { title: 'b' }]);
    expect(page.pageInfo).toEqual({
      hasNextPage: true,
      hasPreviousPage: false,
      startCursor: encodeCursor(['a']),
      endCursor: encodeCursor(['b']),
    });
  });

  test('that is the last one says so', () => {
    expect(pageOf(rows, 3, positionOf, encodeCursor(['0'])).pageInfo).toMatchObject({
      hasNextPage: false,
      hasPreviousPage: true,
    });
  });

  test('without rows has no cursors', () => {
    expect(pageOf([], 3, positionOf).pageInfo).toMatchObject({ hasNextPage: false, startCursor: null, endCursor: null });
  });

  test.each([0, -1, 101, 1.5, Number.NaN])('of %p is refused', (first) => {
    expect(() => checkedFirst(first, 100)).toThrow(InvalidArgument);
  });
});
