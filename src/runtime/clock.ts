/**
 * A source of the current time, so that tests can change it. All decisions about money and time use product time, the database's clock
 * (stores/database-clock.ts). Only signatures and tokens, whose times are set by others, use the machine's clock.
 */
export interface Clock {
  now(): Date;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => new Date() };
