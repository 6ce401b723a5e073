import type { Clock } from '../../src/runtime/clock.js';

/** A clock that does not advance until it is moved. */
export class MovableClock implements Clock {
  private instant: number;

  constructor(start = '2026-03-01T12:00:00.000Z') {
    this.instant = Date.parse(start);
  }

  now(): Date {
    return new Date(this.instant);
  }

  advanceMs(milliseconds: number): void {
    this.instant += milliseconds;
  }

  advanceDays(days: number): void {
    this.advanceMs(days * 24 * 60 * 60 * 1000);
  }
}
