import { describe, expect, test } from '@jest/globals';
import { BackgroundQueue } from '../../src/services/stripe-events/background-queue.js';

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
