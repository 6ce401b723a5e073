import { digestOf } from '../../src/services/ledger/journal.js';
import { type LedgerDiscrepancy, verifyLedger } from '../../src/services/verification/verify-ledger.js';
import type { Database, Queryable } from '../../src/stores/database.js';
import type { TestDatabase } from './test-database.js';

/**
 * What the verification of the ledger finds after `statements`, which are rolled back afterwards. They bypass every trigger and foreign
 * key, as damage does that the database did not refuse.
 */
export async function findAfterDamage(database: Database, statements: readonly string[]): Promise<LedgerDiscrepancy[]> {
  const undo = new Error('so that nothing is kept');
  let found: LedgerDiscrepancy[] = [];
  const damage = database.transaction(async (tx) => {
    const run = (text: string) => tx.query({ name: '', text });
    await run('set local session_replication_role = replica');
    for (const statement of statements) await run(statement);
    // In this transaction, which has begun, so its isolation can no longer be chosen.
    const inside: Queryable = {
      query: async (statement, values) => (isIsolation(statement.text) ? [] : tx.query(statement, values)),
    };
    const damaged = { transaction: (work: (tx: Queryable) => Promise<unknown>) => work(inside) } as unknown as Database;
    found = (await verifyLedger(damaged, { fromSnapshots: false })).discrepancies;
    throw undo;
  });
  await damage.catch((error: unknown) => {
    if (error !== undo) throw error;
  });
  return found;
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
