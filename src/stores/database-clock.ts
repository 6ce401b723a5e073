import type { Clock } from '../runtime/clock.js';
import type { Database } from './database.js';

export interface DatabaseClockSettings {
  /** How often the database's clock is read, in milliseconds. */
  readonly refreshIntervalMs: number;
  /** By how much this process's real clock may differ from the database's, in milliseconds. */
  readonly differenceMaximumMs: number;
  /** Called when the real clock begins or ends to differ by more; `differenceMs` above 0: it is ahead. Must not throw. */
  readonly onStepChange?: (inStep: boolean, differenceMs: number) => void;
  /** This process's clocks; tests give others. */
  readonly machine?: MachineClocks;
}

interface MachineClocks {
  /** Milliseconds since 1970, as the operating system says. */
  realMs(): number;
  /** Milliseconds since any instant; never set. */
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
/** A reading is right to half the time that it took: slower ones are not used while there is a better one. */
const SLOWEST_READING_MS = 500;
/** Readings differ by the time that they take. Smaller steps back than this only hold the time until it is reached again. */
const MAX_HELD_STEP_MS = 5_000;

/**
 * Product time: the database's clock plus the development offset that is stored there, read now and then and counted on by the machine's
 * monotonic clock, so that asking costs nothing and a machine whose clock is wrong or set makes no difference. Never goes back by less than 5 seconds; a database whose
 * clock is set back by more is followed.
 */
export class DatabaseClock implements Clock {
  /** The database's clock without the offset: by it jobs are scheduled, which share their schedules with the machine's clock. */
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
    // A reading that fails leaves the last one; readiness says that the database is away.
    this.timer = setInterval(() => void this.refresh().catch(() => {}), settings.refreshIntervalMs);
    this.timer.unref();
  }

  /** Reads the database's clock for the first time. @throws the driver's error. */
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

  /** How far this process's real clock is ahead of the database's, in milliseconds. */
  differenceMs(): number {
    return Math.round(this.machine.realMs() - this.databaseTime.now().getTime());
  }

  /** Whether the real clock is close enough to the database's to keep schedules and locks of jobs. */
  isInStep(): boolean {
    return Math.abs(this.differenceMs()) <= this.settings.differenceMaximumMs;
  }

  /** By how much product time is ahead of the database's clock, in milliseconds: 0, except in development. */
  get offsetMs(): number {
    return this.offset;
  }

  /** Moves product time forward, for every process with this database; the others see it when they read the clock next. */
  async advance(milliseconds: number): Promise<void> {
    const client = await this.pool.connect();
    try {
      await client.query(ADVANCE_CLOCK, [milliseconds]);
    } finally {
      client.release();
    }
    await this.refresh();
  }

  /** Reads the database's clock. @throws the driver's error. */
  async refresh(): Promise<void> {
    const client = await this.pool.connect();
    try {
      const beganMs = this.machine.monotonicMs();
      const { rows } = await client.query<Reading>(READ_CLOCK);
      const tookMs = this.machine.monotonicMs() - beganMs;
      const { databaseMs, offsetMs } = rows[0] as Reading;
      // A reading that began before a move and ends after it must not undo it.
      this.offset = Math.max(this.offset, offsetMs);
      if (tookMs <= SLOWEST_READING_MS || this.databaseMs === 0) {
        this.databaseMs = databaseMs;
        this.readAtMs = beganMs + tookMs / 2;
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
