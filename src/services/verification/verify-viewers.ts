import type { Database, Queryable, Statement } from '../../stores/database.js';
import type { LedgerDiscrepancy } from './rule.js';
import { journalRules } from './verify-journal.js';
import { referenceRules } from './verify-references.js';
import { ledgerRules } from './verify-rules.js';

/** What the verification of one viewer read, from the first transaction on. */
export interface VerifiedViewer {
  readonly userId: string;
  readonly transactions: number;
  /** The last entry of the journal; 0 and null without one. */
  readonly journalSequence: number;
  readonly journalHash: Buffer | null;
}

export interface VerifiedBatch {
  readonly viewers: readonly VerifiedViewer[];
  readonly discrepancies: readonly LedgerDiscrepancy[];
}

/** All rules see one state of the database, so nothing that happens meanwhile looks like a discrepancy. */
const oneState: Statement = { name: 'verify-one-state', text: 'set transaction isolation level repeatable read read only' };

const readViewers: Statement = {
  name: 'verify-read-viewers',
  text: `select viewer.user_id as "userId", coalesce(head.sequence, 0) as "journalSequence", head.hash as "journalHash",
      (select count(*)::int from transactions where user_id = viewer.user_id) as transactions
    from unnest($1::uuid[]) viewer(user_id) left join lateral (
      select sequence, hash from journal where user_id = viewer.user_id order by sequence desc limit 1
    ) head on true`,
};

const rules = [...ledgerRules, ...referenceRules, ...journalRules];

/**
 * Recomputes everything of these viewers, in a transaction as short as their history allows. It has no timeout: a single viewer with a
 * very long history must not stay unverified.
 */
export function verifyViewers(database: Database, userIds: readonly string[]): Promise<VerifiedBatch> {
  const verify = async (tx: Queryable): Promise<VerifiedBatch> => {
    await tx.query(oneState);
    const viewers = await tx.query<VerifiedViewer>(readViewers, [userIds]);
    const discrepancies: LedgerDiscrepancy[] = [];
    for (const rule of rules) discrepancies.push(...(await tx.query<LedgerDiscrepancy>(rule, [userIds])));
    return { viewers, discrepancies };
  };
  return database.transaction(verify, { unlimited: true });
}
