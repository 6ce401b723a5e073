/**
 * Where "now" comes from, so that tests can move it. Every decision of money and time takes product time, the database's clock
 * (stores/database-clock.ts); only signatures and tokens, which others date, go by the machine's.
 */
export interface Clock {
  now(): Date;
}

/** The machine's clock. */
export const systemClock: Clock = { now: () => new Date() };
