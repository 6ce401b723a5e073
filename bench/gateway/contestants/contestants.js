import { limit } from './limit.js';
import { ours } from './ours.js';

/** Who takes part, in the order of the tables. */
export const contestants = { ours, limit };
