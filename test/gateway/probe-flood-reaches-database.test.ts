import { describe, expect, test } from '@jest/globals';
import { cachedFor } from '../../src/runtime/concurrency.js';
import { startGateway, stubServices } from './gateway-kit.js';

const FLOOD = 50;

describe('a result that is kept for a time', () => {
  test('is shared while it is being computed and until it expires, and is then computed again', async () => {
    let nowMs = 0;
    let runs = 0;
    const read = cachedFor(
      1_000,
      async () => ++runs,
      () => nowMs,
    );
    expect(await Promise.all([read(), read(), read()])).toEqual([1, 1, 1]);
    nowMs = 999;
    expect(await read()).toBe(1);
    nowMs = 1_000;
    expect(await Promise.all([read(), read()])).toEqual([2, 2]);
  });

  test('is no error: the next one who asks tries again', async () => {
    let runs = 0;
    const read = cachedFor(1_000, async () => {
      runs += 1;
      if (runs === 1) throw new Error('away');
      return runs;
    });
    await expect(Promise.all([read(), read()])).rejects.toThrow('away');
    expect(await read()).toBe(2);
  });
});

describe('a flood of probes', () => {
  test.each([
    ['/readyz', 200],
    ['/metrics', 200],
  ])('of %s asks the database once', async (path, status) => {
    let asked = 0;
    const ask = async () => {
      asked += 1;
      return [];
    };
    const kit = await startGateway({
      services: stubServices({ jobs: { list: ask } }),
      environment: { PROBE_CACHE_MS: '60000' },
      readiness: path === '/readyz' ? { database: ask } : {},
    });
    try {
      const answers = await Promise.all(Array.from({ length: FLOOD }, () => fetch(`${kit.url}${path}`)));
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([status]));
      expect((await fetch(`${kit.url}${path}`)).status).toBe(status);
      expect(asked).toBe(1);
    } finally {
      await kit.stop();
    }
  });

  test('of /readyz does not fill the log while a dependency is away', async () => {
    const lines: string[] = [];
    const kit = await startGateway({
      environment: { PROBE_CACHE_MS: '60000' },
      readiness: { database: () => Promise.reject(new Error('away')) },
      onLog: (line) => lines.push(line),
    });
    try {
      for (let time = 0; time < FLOOD; time++) expect((await fetch(`${kit.url}/readyz`)).status).toBe(503);
      expect(lines.filter((line) => line.includes('dependency unavailable'))).toHaveLength(1);
    } finally {
      await kit.stop();
    }
  });
});
