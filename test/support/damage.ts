import { digestOf } from '../../src/services/ledger/journal.js';
import type { LedgerDiscrepancy } from '../../src/services/verification/rule.js';
import { StandingVerification } from '../../src/services/verification/standing-verification.js';
import { VerificationStore } from '../../src/services/verification/verification-store.js';
import { verifyLedger } from '../../src/services/verification/verify-ledger.js';
import type { Database, Queryable } from '../../src/stores/database.js';
import type { MovableClock } from './movable-clock.js';
import type { TestDatabase } from './test-database.js';

/**
 * Looks at the database after `statements`, which are rolled back afterwards. They bypass every trigger and foreign key, as damage does
 * that the database did not refuse.
 */
export async function afterDamage<Seen>(
  database: Database,
  statements: readonly string[],
  look: (damaged: Database) => Promise<Seen>,
): Promise<Seen> {
  const undo = new Error('so that nothing is kept');
  let seen: Seen | undefined;
  const damage = database.transaction(async (tx) => {
    const run = (text: string) => tx.query({ name: '', text });
    await run('set local session_replication_role = replica');
    for (const statement of statements) await run(statement);
    // In this transaction, which has begun, so its isolation can no longer be chosen.
    const inside: Queryable = {
      query: async (statement, values) => (isIsolation(statement.text) ? [] : tx.query(statement, values)),
    };
    const transaction = (work: (tx: Queryable) => Promise<unknown>) => work(inside);
    seen = await look({ ...inside, transaction } as unknown as Database);
    throw undo;
  });
  await damage.catch((error: unknown) => {
    if (error !== undo) throw error;
  });
  return seen as Seen;
}

/** What the full verification finds after the damage. */
export const findAfterDamage = (database: Database, statements: readonly string[]): Promise<readonly LedgerDiscrepancy[]> =>
  afterDamage(database, statements, async (damaged) => (await verifyLedger(damaged)).discrepancies);

const VIEWERS_PER_BATCH = 4;
/** Viewers that are not counted before their first verification, because they have no balance. */
const MAX_STRANGERS = 3;

/** The job's rounds, of which each verifies only one batch of two viewers in turn besides those that changed. */
export function roundsOf(database: Database, clock: MovableClock): StandingVerification {
  let elapsedMs = 0;
  const settings = { budgetMs: 3, cycleNights: 7, viewersPerBatch: VIEWERS_PER_BATCH };
  const store = new VerificationStore(database);
  return new StandingVerification({ database, store, clock, settings, nowMs: () => elapsedMs++ });
}

/** Runs the job for as many nights as it takes until everyone has had their turn; returns what is open then. */
export async function nightsOfOneCycle(database: Database, clock: MovableClock): Promise<readonly LedgerDiscrepancy[]> {
  const rounds = roundsOf(database, clock);
  for (let night = 1, nights = 1; night <= nights; night++) {
    const { viewers } = await rounds.run();
    nights = Math.ceil((viewers + MAX_STRANGERS) / VIEWERS_PER_BATCH) + 1;
    clock.advanceMs(60_000);
  }
  return (await rounds.report()).discrepancies;
}

const isIsolation = (text: string) => text.startsWith('set transaction isolation level');

/** Makes the viewer one from before the journal: it begins with a genesis entry over all that they have. */
export async function beginJournalAgain(db: TestDatabase, userId: string): Promise<void> {
  await db.pastTriggers(`delete from journal where user_id = '${userId}'`);
  await db.rows(
    `insert into journal (user_id, sequence, kind, version, posted, held, digest, created_at)
     select user_id, journal_sequence, 'GENESIS', version, posted, held,
       (select sha256(string_agg(${digestOf('MOVEMENT', 't')}, '' order by version)) from transactions t where t.user_id = b.user_id), updated_at
     from balances b where user_id = $1`,
    [userId],
  );
}
