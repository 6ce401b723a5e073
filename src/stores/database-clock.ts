import type { Clock } from '../runtime/clock.js';
import type { Database } from './database.js';

export interface DatabaseClockSettings {
  /** How often the database's clock is read, in milliseconds. */
  readonly refreshIntervalMs: number;
  /** How far this process's clock may differ from the database's, in milliseconds. */
  readonly differenceMaximumMs: number;
  /** Called when the difference starts or stops exceeding that. `differenceMs` is positive if the process is ahead. Must not throw. */
  readonly onStepChange?: (inStep: boolean, differenceMs: number) => void;
  /** This process's clocks; tests replace them. */
  readonly machine?: MachineClocks;
}

interface MachineClocks {
  /** Milliseconds since 1970, according to the operating system. */
  realMs(): number;
  /** Milliseconds since an arbitrary instant; never adjusted. */
  monotonicMs(): number;
}

interface Reading {
  readonly databaseMs: number;
  readonly offsetMs: number;
}

const MACHINE: MachineClocks = { realMs: () => Date.now(), monotonicMs: () => performance.now() };
const READ_CLOCK = `select (extract(epoch from clock_timestamp()) * 1000)::float8 as "databaseMs",
  (select offset_ms from development_clock)::float8 as "offsetMs"`;
const ADVANCE_CLOCK = 'update development_clock set offset_ms = offset_ms + $1';
/** A reading is accurate to half the time it took. Slower ones are ignored while there is a better one. */
const MAX_READING_MS = 500;
/** Readings vary with the time they take. After a step back of up to this much, time is held until the clock has caught up. */
const MAX_HELD_STEP_MS = 5_000;

/**
 * Product time: the database's clock plus the development offset stored there, read periodically and extrapolated with the machine's
 * monotonic clock, so that reading the time is free and a wrong or adjusted machine clock makes no difference. If the database's clock is
 * set back by up to 5 seconds, product time is held until the clock has caught up; if by more, product time follows it back.
 */
export class DatabaseClock implements Clock {
  /** The database's clock without the offset. Jobs are scheduled by it, because their schedules are compared with machines' clocks. */
  readonly databaseTime: Clock = { now: () => new Date(this.now().getTime() - this.offset) };
  private databaseMs = 0;
  private offset = 0;
  private readAtMs = 0;
  private lastMs = Number.NEGATIVE_INFINITY;
  private wasInStep = true;
  private readonly machine: MachineClocks;
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly pool: Pick<Database['pool'], 'connect'>,
    private readonly settings: DatabaseClockSettings,
  ) {
    this.machine = settings.machine ?? MACHINE;
    // If a reading fails, the last one stays in use; readiness reports that the database is unavailable.
    this.timer = setInterval(() => void this.refresh().catch(() => {}), settings.refreshIntervalMs);
    this.timer.unref();
  }

  /** Reads the database's clock for the first time. @throws the driver's error */
  static async open(pool: Pick<Database['pool'], 'connect'>, settings: DatabaseClockSettings): Promise<DatabaseClock> {
    const clock = new DatabaseClock(pool, settings);
    try {
      await clock.refresh();
    } catch (error) {
      clock.close();
      throw error;
    }
    return clock;
  }

  now(): Date {
    const nowMs = this.databaseMs + this.offset + this.machine.monotonicMs() - this.readAtMs;
    const stepBackMs = this.lastMs - nowMs;
    if (stepBackMs <= 0 || stepBackMs > MAX_HELD_STEP_MS) this.lastMs = nowMs;
    return new Date(this.lastMs);
  }

  /** How far this process's clock is ahead of the database's, in milliseconds. */
  differenceMs(): number {
    return Math.round(this.machine.realMs() - this.databaseTime.now().getTime());
  }

  /** Whether this process's clock is close enough to the database's for the schedules and locks of jobs. */
  isInStep(): boolean {
    return Math.abs(this.differenceMs()) <= this.settings.differenceMaximumMs;
  }

  /** How far product time is ahead of the database's clock, in milliseconds: 0, except in development. */
  get offsetMs(): number {
    return this.offset;
  }

  /** Moves product time forward, for every process that uses this database; the others see it at their next reading. */
  async advance(milliseconds: number): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query(ADVANCE_CLOCK, [milliseconds]);
    } finally {
      client.release();
    }
    await this.refresh();
  }

  /** Reads the database's clock. @throws the driver's error */
  async refresh(): Promise<void> {
    const client = await this.pool.connect();
    try {
      const startedMs = this.machine.monotonicMs();
      const { rows } = await client.query<Reading>(READ_CLOCK);
      const tookMs = this.machine.monotonicMs() - startedMs;
      const { databaseMs, offsetMs } = rows[0] as Reading;
      // A reading that started before the time was moved, and ended after that, must not undo the move.
      this.offset = Math.max(this.offset, offsetMs);
      if (tookMs <= MAX_READING_MS || this.databaseMs === 0) {
        this.databaseMs = databaseMs;
        this.readAtMs = startedMs + tookMs / 2;
      }
    } finally {
      client.release();
    }
    const inStep = this.isInStep();
    if (inStep !== this.wasInStep) this.settings.onStepChange?.(inStep, this.differenceMs());
    this.wasInStep = inStep;
  }

  close(): void {
    clearInterval(this.timer);
  }
}
