import type { Balance } from '../../entities/balance.js';

/** The balance of a result, read from JSON or not, with its timestamps as dates. */
export const balanceFromAnswer = (kept: Balance): Balance => ({
  ...kept,
  createdAt: new Date(kept.createdAt),
  updatedAt: new Date(kept.updatedAt),
});
