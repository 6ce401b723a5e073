import type { Clock } from '../../src/runtime/clock.js';
import { Ledger } from '../../src/services/ledger/ledger.js';
import type { Database } from '../../src/stores/database.js';

/** A ledger that nobody listens to. */
export const quietLedger = (database: Database, clock: Clock): Ledger =>
  new Ledger({ database, clock, hints: { announce: () => {} } });
