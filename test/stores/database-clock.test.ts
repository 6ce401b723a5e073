import { describe, expect, test } from '@jest/globals';
import type { Database } from '../../src/stores/database.js';
import { DatabaseClock, type DatabaseClockSettings } from '../../src/stores/database-clock.js';
import { testDatabase } from '../support/test-database.js';

const NOON = Date.parse('2026-03-01T12:00:00.000Z');

/** A machine and a database, each with clocks that are set by the test. `takesMs`: how long the database's answer is on its way. */
class Scene {
  realMs = NOON;
  monotonicMs = 5_000;
  databaseMs = NOON;
  offsetMs = 0;
  takesMs = 0;
  away = false;
  readings = 0;
  readonly steps: [boolean, number][] = [];
  private readonly pool = {
    connect: async () => ({
      query: async () => {
        if (this.away) throw new Error('away');
        this.readings++;
        this.passMs(this.takesMs / 2);
        const { databaseMs, offsetMs } = this;
        this.passMs(this.takesMs / 2);
        return { rows: [{ databaseMs, offsetMs }] };
      },
      release: () => {},
    }),
  } as unknown as Database['pool'];

  open(settings: Partial<DatabaseClockSettings> = {}): Promise<DatabaseClock> {
    return DatabaseClock.open(this.pool, {
      refreshIntervalMs: 1_000_000,
      differenceMaximumMs: 30_000,
      onStepChange: (...step) => this.steps.push(step),
      machine: { realMs: () => this.realMs, monotonicMs: () => this.monotonicMs },
      ...settings,
    });
  }

  passMs(ms: number): void {
    this.realMs += ms;
    this.monotonicMs += ms;
    this.databaseMs += ms;
  }
}

describe('Product time', () => {
  test("is the database's, however wrong the machine's clock is, and asking for it asks nobody", async () => {
    const scene = new Scene();
    scene.realMs = Date.parse('2031-01-01T00:00:00.000Z');
    scene.takesMs = 80;
    const clock = await scene.open();
    expect(clock.now().getTime()).toBe(scene.databaseMs);
    scene.passMs(3_600_000);
    for (let count = 0; count < 1_000; count++) clock.now();
    expect(clock.now().getTime()).toBe(scene.databaseMs);
    expect(scene.readings).toBe(1);
    clock.close();
  });

  test("does not move when the machine's clock is set, manually or by NTP", async () => {
    const scene = new Scene();
    const clock = await scene.open();
    scene.realMs -= 86_400_000;
    expect(clock.now().getTime()).toBe(NOON);
    clock.close();
  });

  test('never goes back on an earlier reading, and stays put until the database has caught up', async () => {
    const scene = new Scene();
    const clock = await scene.open();
    scene.passMs(1_000);
    const before = clock.now().getTime();
    scene.databaseMs -= 40;
    await clock.refresh();
    expect(clock.now().getTime()).toBe(before);
    scene.passMs(39);
    expect(clock.now().getTime()).toBe(before);
    scene.passMs(2);
    expect(clock.now().getTime()).toBe(before + 1);
    clock.close();
  });

  test('follows a database whose clock is set back by more than a reading can be wrong', async () => {
    const scene = new Scene();
    const clock = await scene.open();
    clock.now();
    scene.databaseMs -= 3_600_000;
    await clock.refresh();
    expect(clock.now().getTime()).toBe(NOON - 3_600_000);
    clock.close();
  });

  test('is not taken from a reading that took long, and keeps running while the database is unreachable', async () => {
    const scene = new Scene();
    const clock = await scene.open();
    scene.takesMs = 4_000;
    scene.databaseMs += 700;
    await clock.refresh();
    expect(clock.now().getTime()).toBe(NOON + 4_000);
    scene.away = true;
    await expect(clock.refresh()).rejects.toThrow('away');
    scene.passMs(60_000);
    expect(clock.now().getTime()).toBe(NOON + 64_000);
    clock.close();
  });

  test('is ahead by the offset that is stored in the database, which the real clock and the time of the database are not', async () => {
    const scene = new Scene();
    scene.offsetMs = 86_400_000;
    const clock = await scene.open();
    expect(clock.now().getTime()).toBe(NOON + 86_400_000);
    expect([clock.offsetMs, clock.databaseTime.now().getTime()]).toEqual([86_400_000, NOON]);
    expect([clock.isInStep(), clock.differenceMs()]).toEqual([true, 0]);
    scene.offsetMs *= 2;
    await clock.refresh();
    expect(clock.now().getTime()).toBe(NOON + 2 * 86_400_000);
    clock.close();
  });

  test('is not moved back by a reading that began before a move and came late', async () => {
    const scene = new Scene();
    scene.offsetMs = 86_400_000;
    const clock = await scene.open();
    scene.offsetMs = 0;
    await clock.refresh();
    expect(clock.now().getTime()).toBe(NOON + 86_400_000);
    clock.close();
  });

  test('of a real database is its clock_timestamp()', async () => {
    const home = await testDatabase();
    const beganMs = performance.now();
    const clock = await DatabaseClock.open(home.database.pool, {
      refreshIntervalMs: 60_000,
      differenceMaximumMs: 30_000,
      machine: { realMs: () => 0, monotonicMs: () => performance.now() },
    });
    const readingMs = Math.ceil(performance.now() - beganMs);
    const [before] = await home.rows<{ now: Date }>('select clock_timestamp() as now');
    const now = clock.now().getTime();
    const [after] = await home.rows<{ now: Date }>('select clock_timestamp() as now');
    // It may be wrong by half of the time that a reading took.
    expect(now).toBeGreaterThanOrEqual((before?.now.getTime() ?? 0) - readingMs);
    expect(now).toBeLessThanOrEqual((after?.now.getTime() ?? 0) + readingMs);
    clock.close();
    await home.drop();
  });
});

describe('The real clock', () => {
  test.each([30_001, -30_001, 86_400_000])(
    'is out of step when it is %i ms ahead, and reported once each way',
    async (aheadMs) => {
      const scene = new Scene();
      scene.realMs += aheadMs;
      const clock = await scene.open();
      expect([clock.isInStep(), clock.differenceMs()]).toEqual([false, aheadMs]);
      await clock.refresh();
      scene.realMs -= aheadMs;
      expect([clock.isInStep(), clock.differenceMs()]).toEqual([true, 0]);
      await clock.refresh();
      await clock.refresh();
      expect(scene.steps).toEqual([
        [false, aheadMs],
        [true, 0],
      ]);
      clock.close();
    },
  );

  test.each([30_000, -30_000])('is in step when it is %i ms ahead', async (aheadMs) => {
    const scene = new Scene();
    scene.realMs += aheadMs;
    const clock = await scene.open();
    expect(clock.isInStep()).toBe(true);
    expect(scene.steps).toEqual([]);
    clock.close();
  });
});
