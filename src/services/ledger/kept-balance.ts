import type { Balance } from '../../entities/balance.js';

/** A result's balance with its timestamps as dates, whether or not the result was read from JSON. */
export const balanceFromAnswer = (kept: Balance): Balance => ({
  ...kept,
  createdAt: new Date(kept.createdAt),
  updatedAt: new Date(kept.updatedAt),
});
