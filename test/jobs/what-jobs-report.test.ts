import { describe, expect, test } from '@jest/globals';
import { drainBatches } from '../../src/jobs/drain-batches.js';
import { describeSchedule } from '../../src/services/jobs/schedule.js';
import { runJob } from '../support/run-job.js';

const { signal } = new AbortController();

describe('A job that works in batches', () => {
  test('continues until a batch is not full', async () => {
    const limits: number[] = [];
    let due = 25;
    const work = async (limit: number) => {
      limits.push(limit);
      const done = Math.min(limit, due);
      due -= done;
      return done;
    };
    expect(await drainBatches(work, 10, signal)).toBe(25);
    expect(limits).toEqual([10, 10, 10]);
  });

  test('ends after the current batch when the worker stops', async () => {
    const stopping = new AbortController();
    const work = async (limit: number) => {
      stopping.abort();
      return limit;
    };
    expect(await drainBatches(work, 10, stopping.signal)).toBe(10);
  });
});

test.each([
  [1_000, '1 second'],
  [15_000, '15 seconds'],
  [60_000, '1 minute'],
  [86_400_000, '1 day'],
  [1_500, '1500 milliseconds'],
])('an interval of %i ms is described as %s', (intervalMs, words) => {
  expect(describeSchedule({ intervalMs })).toBe(words);
});

test('a cron line is described by its own text, with its time zone', () => {
  expect(describeSchedule({ cron: '15 3 * * *' })).toBe('15 3 * * * (UTC)');
});

test('Jobs that only try report how many they tried', async () => {
  const five = async () => 5;
  expect(await runJob('close-expired-orders', { orderSessions: { closeDue: five } })).toBe('5 orders checked');
  expect(await runJob('repair-catalogue-sync', { catalogueSync: { repairDue: five } })).toBe('5 subscriptions tried');
});

describe('The sweep', () => {
  test('reports how many of each it removed', async () => {
    const sweepers = { 'idempotency records': async () => 3, 'live events': async () => 0 };
    expect(await runJob('sweep', { sweepers })).toBe('3 idempotency records, 0 live events');
  });

  test('does the rest when one fails, and fails then', async () => {
    const done: string[] = [];
    const failing = async () => {
      throw new Error('no');
    };
    const sweepers = { first: failing, second: async () => done.push('second') };
    await expect(runJob('sweep', { sweepers })).rejects.toThrow('no');
    expect(done).toEqual(['second']);
  });
});
