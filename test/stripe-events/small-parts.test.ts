import { describe, expect, test } from '@jest/globals';
import { describeFailure } from '../../src/runtime/describe-failure.js';
import { BackgroundQueue } from '../../src/services/stripe-events/background-queue.js';
import { storableJson } from '../../src/services/stripe-events/stripe-inbox.js';

describe('The words of a failure that are kept', () => {
  test.each([
    ['Invalid API Key provided: sk_test_51abcDEF', 'Invalid API Key provided: [redacted]'],
    ['key rk_live_abc expired', 'key [redacted] expired'],
    ['bad secret whsec_abcd', 'bad secret [redacted]'],
    ['pi_1_secret_abcd', 'pi_1[redacted]'],
    ['connect postgres://me:hidden@host/db', 'connect postgres://me:[redacted]@host/db'],
    ['header Bearer abc.def.ghi refused', 'header Bearer [redacted] refused'],
    ['token eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0 refused', 'token [redacted] refused'],
    ['card 4242 4242 4242 4242 declined', 'card [redacted] declined'],
    ['two\n  lines', 'two lines'],
  ])('%j becomes %j', (message, kept) => {
    expect(describeFailure(new Error(message))).toBe(kept);
  });

  test('name the kind of error and are short', () => {
    expect(describeFailure(new TypeError('x'.repeat(1_000)))).toMatch(/^TypeError: x{10,}$/);
    expect(describeFailure(new TypeError('x'.repeat(1_000))).length).toBe(500);
    expect(describeFailure('plain words')).toBe('plain words');
  });
});

describe('JSON for a jsonb column', () => {
  test('has no NUL and no half surrogate pairs, and is else the same', () => {
    const value = { a: 'x\0y', b: ['\ud800', '😀', '\\u0000'], c: null, d: 1.5 };
    expect(JSON.parse(storableJson(value))).toEqual({ a: 'xy', b: ['\u{FFFD}', '😀', '\\u0000'], c: null, d: 1.5 });
  });
});

describe('The background queue', () => {
  test('runs so many at once, holds so many, and turns away the rest', async () => {
    const started: number[] = [];
    const ends: (() => void)[] = [];
    const queue = new BackgroundQueue<number>({
      concurrency: 2,
      capacity: 2,
      work: (item) => {
        started.push(item);
        return new Promise<void>((resolve) => ends.push(resolve));
      },
      onError: () => {},
    });
    expect([1, 2, 3, 4, 5].map((item) => queue.add(item))).toEqual([true, true, true, true, false]);
    expect(started).toEqual([1, 2]);
    const idle = queue.idle();
    while (started.length < 4 || ends.length > 0) {
      ends.shift()?.();
      await new Promise(setImmediate);
    }
    await idle;
    expect(started).toEqual([1, 2, 3, 4]);
  });

  test('reports failures and continues', async () => {
    const failed: unknown[] = [];
    const done: number[] = [];
    const queue = new BackgroundQueue<number>({
      concurrency: 1,
      capacity: 10,
      work: async (item) => {
        if (item === 1) throw new Error('no');
        done.push(item);
      },
      onError: (error) => failed.push(error),
    });
    for (const item of [1, 2]) queue.add(item);
    await queue.idle();
    expect({ failed, done }).toEqual({ failed: [new Error('no')], done: [2] });
  });

  test('once closed lets end what runs, and takes nothing more', async () => {
    const done: number[] = [];
    const queue = new BackgroundQueue<number>({
      concurrency: 1,
      capacity: 10,
      work: async (item) => {
        await new Promise(setImmediate);
        done.push(item);
      },
      onError: () => {},
    });
    for (const item of [1, 2, 3]) queue.add(item);
    await queue.close();
    expect(done).toEqual([1]);
    expect(queue.add(4)).toBe(false);
  });
});
