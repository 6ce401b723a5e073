import { limit } from './limit/limit.js';
import { mercurius, mercuriusDataLoader, mercuriusStatement } from './mercurius/mercurius.js';
import { ours } from './ours.js';
import { postgraphile } from './postgraphile/postgraphile.js';
import { yoga } from './yoga/yoga.js';

/** Who takes part, in the order of the tables. The ratios of the tables are to `limit` and to `mercurius`. */
export const contestants = {
  ours,
  limit,
  mercurius,
  'mercurius-dataloader': mercuriusDataLoader,
  'mercurius-statement': mercuriusStatement,
  yoga,
  postgraphile,
};
