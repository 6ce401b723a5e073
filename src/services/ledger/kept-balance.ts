import type { Balance } from '../../entities/balance.js';

/** The balance of an answer that was kept as JSON, or of one that was not yet: its instants are instants again. */
export const balanceFromAnswer = (kept: Balance): Balance => ({
  ...kept,
  createdAt: new Date(kept.createdAt),
  updatedAt: new Date(kept.updatedAt),
});
