import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, jest, test } from '@jest/globals';
import { Interrupted, Shutdown } from '../../src/runtime/lifecycle.js';

function recorder() {
  const lines: string[] = [];
  return { lines, shutdown: new Shutdown((line) => lines.push(line)) };
}

const never = () => new Promise<void>(() => undefined);

describe('the end', () => {
  test('undoes what was started in the reverse order, once', async () => {
    const { shutdown } = recorder();
    const ended: string[] = [];
    for (const name of ['database', 'stores', 'gateway']) shutdown.add(name, async () => void ended.push(name));
    await Promise.all([shutdown.run(1_000), shutdown.run(1_000)]);
    expect(ended).toEqual(['gateway', 'stores', 'database']);
  });

  test('logs a step that fails, and continues with the others', async () => {
    const { shutdown, lines } = recorder();
    const ended: string[] = [];
    shutdown.add('the database', async () => void ended.push('database'));
    shutdown.add('the gateway', () => Promise.reject(new Error('no')));
    expect(await shutdown.run(1_000)).toBe(1);
    expect(ended).toEqual(['database']);
    expect(lines).toEqual(['Stopping the gateway failed: no']);
  });

  test('abandons a step that takes too long, so that the others still have their share of the budget', async () => {
    const { shutdown, lines } = recorder();
    const ended: string[] = [];
    shutdown.add('the database', async () => void ended.push('database'));
    shutdown.add('the gateway', never, { abandon: () => void ended.push('gateway abandoned') });
    jest.useFakeTimers();
    try {
      const end = shutdown.run(200);
      await jest.advanceTimersByTimeAsync(200);
      expect(await end).toBe(1);
    } finally {
      jest.useRealTimers();
    }
    expect(ended).toEqual(['gateway abandoned', 'database']);
    expect(lines[0]).toBe('Stopping the gateway took more than 180 ms.');
  });

  test('does not count against the budget what a step waits on purpose', async () => {
    const { shutdown, lines } = recorder();
    shutdown.add('the database', () => pause(20));
    shutdown.add('the gateway', () => pause(20), { noticeMs: 60_000 });
    expect([await shutdown.run(0), lines]).toEqual([0, []]);
  });

  test('in the middle of a start lets it open nothing more, and undoes what it has opened last', async () => {
    const { shutdown } = recorder();
    const ended: string[] = [];
    let opened: () => void = () => undefined;
    const opening = new Promise<void>((resolve) => {
      opened = resolve;
    });
    const start = shutdown.during(
      (async () => {
        await opening;
        shutdown.add('the database', async () => void ended.push('database'));
        ended.push('never');
      })(),
    );
    const end = shutdown.run(5_000);
    opened();
    await expect(start).rejects.toBeInstanceOf(Interrupted);
    expect(await end).toBe(0);
    expect(ended).toEqual(['database']);
  });
});
