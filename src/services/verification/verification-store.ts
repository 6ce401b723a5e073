import { VerificationState } from '../../entities/verification-state.js';
import { columnsOf } from '../../stores/columns.js';
import { type Database, statement } from '../../stores/database.js';
import { BEFORE_ALL, pageChanged, pageViewers } from './page-viewers.js';
import type { LedgerDiscrepancy } from './rule.js';
import type { VerifiedBatch } from './verify-viewers.js';

const MAX_PER_VIEWER = 100;

/**
 * A viewer with a discrepancy keeps the entry up to which the history last verified: restoring the rows closes the discrepancy, and
 * nothing else does.
 */
const saveBatch = statement('verification-save-batch')`
    insert into viewer_verifications as v (user_id, verified_at, journal_sequence, journal_hash, transactions, discrepancies)
    select r."userId", $1, case when r.discrepancies is null then r."journalSequence" else 0 end,
      case when r.discrepancies is null then decode(r."journalHash", 'hex') end, r.transactions, r.discrepancies
    from jsonb_to_recordset($2::jsonb) as r
      ("userId" uuid, "journalSequence" int, "journalHash" text, transactions int, discrepancies jsonb)
    on conflict (user_id) do update set verified_at = excluded.verified_at, transactions = excluded.transactions,
      discrepancies = excluded.discrepancies,
      journal_sequence = case when excluded.discrepancies is null then excluded.journal_sequence else v.journal_sequence end,
      journal_hash = case when excluded.discrepancies is null then excluded.journal_hash else v.journal_hash end
    where v.verified_at <= excluded.verified_at`;

/** $3: those that were verified since then are left out. `next`: where the next page starts; null after the last. */
const pageDue = statement('verification-page-due')`
    with page as (${pageViewers.text})
    select (select max("userId"::text) from page having count(*) = $2) as next,
      (select array_agg("userId") from page where not exists (
        select from viewer_verifications v where v.user_id = page."userId" and v.verified_at >= $3)) as due`;

const readState = statement('verification-state')`select ${columnsOf(VerificationState)} from verification_state`;
const saveProgress = statement('verification-save-progress')`update verification_state set after = $1`;
/** $1: verified since then counts as verified; $2 the discrepancies that are not about one viewer; $3 viewers from after then do not count before they are verified. */
const saveTotals = statement('verification-save-totals')`
    update verification_state set discrepancies = $2::jsonb, viewers = total.viewers, verified = total.verified,
      transactions = total.transactions, oldest_verified_at = total.oldest
    from (
      select count(*) filter (where verified_at is not null or created_at < $3)::int as viewers, 
        count(*) filter (where verified_at >= $1)::int as verified,
        coalesce(sum(transactions) filter (where verified_at >= $1), 0)::bigint as transactions, min(verified_at) as oldest
      from balances full join viewer_verifications using (user_id)
    ) total`;
const openDiscrepancies = statement('verification-open-discrepancies')`
    select d."userId", d.rule, d.expected, d.found from viewer_verifications v
    cross join lateral jsonb_to_recordset(v.discrepancies) as d ("userId" uuid, rule text, expected text, found text)
    where v.discrepancies is not null order by v.user_id limit $1`;
const countOpen = statement('verification-count-open')`
    select coalesce(sum(jsonb_array_length(discrepancies)), 0)::int as count from viewer_verifications where discrepancies is not null`;

/** Some of the viewers of a page, and where the next page starts; null after the last. */
export interface ViewerPage {
  readonly userIds: readonly string[];
  readonly next: string | null;
}

export interface State extends VerificationState {
  readonly discrepancies: readonly LedgerDiscrepancy[] | null;
}

export interface RoundTotals {
  readonly startedAt: Date;
  readonly since: Date;
  /** Discrepancies that are not about one viewer. */
  readonly ofNobody: readonly LedgerDiscrepancy[];
}

/** Stores when each viewer was verified, what was found, and how far the cycle is. */
export class VerificationStore {
  constructor(private readonly database: Database) {}

  /** Those of the next `limit` balances that changed since they were verified, or have open discrepancies. */
  async changedAfter(after: string | null, limit: number): Promise<ViewerPage> {
    type Row = { changed: string[] | null; next: string | null };
    const [page] = await this.database.query<Row>(pageChanged, [after ?? BEFORE_ALL, limit]);
    return { userIds: page?.changed ?? [], next: page?.next ?? null };
  }

  /** Those of the next `limit` viewers that were not verified since `since`. */
  async dueAfter(after: string | null, limit: number, since: Date): Promise<ViewerPage> {
    type Row = { due: string[] | null; next: string | null };
    const [page] = await this.database.query<Row>(pageDue, [after ?? BEFORE_ALL, limit, since]);
    return { userIds: page?.due ?? [], next: page?.next ?? null };
  }

  async save({ viewers, discrepancies }: VerifiedBatch, verifiedAt: Date): Promise<void> {
    const byViewer = Map.groupBy(discrepancies, ({ userId }) => userId);
    const rows = viewers.map(({ userId, transactions, journalSequence, journalHash }) => ({
      ...{ userId, transactions, journalSequence, journalHash: journalHash?.toString('hex') ?? null },
      discrepancies: byViewer.get(userId)?.slice(0, MAX_PER_VIEWER) ?? null,
    }));
    await this.database.query(saveBatch, [verifiedAt, JSON.stringify(rows)]);
  }

  /** The cycle continues after this viewer; null: with the first. */
  async saveProgress(after: string | null): Promise<void> {
    await this.database.query(saveProgress, [after]);
  }

  /** Counts the viewers at the end of a round. `since`: those verified since then count as verified. */
  async saveTotals({ startedAt, since, ofNobody }: RoundTotals): Promise<void> {
    await this.database.query(saveTotals, [since, ofNobody.length > 0 ? JSON.stringify(ofNobody) : null, startedAt]);
  }

  async state(): Promise<State> {
    const [state] = await this.database.query<State>(readState);
    if (!state) throw new Error('the row of verification_state is gone');
    return state;
  }

  /** Open discrepancies of viewers, up to `limit`. */
  open(limit: number): Promise<LedgerDiscrepancy[]> {
    return this.database.query<LedgerDiscrepancy>(openDiscrepancies, [limit]);
  }

  async countOpen(): Promise<number> {
    const [row] = await this.database.query<{ count: number }>(countOpen);
    return row?.count ?? 0;
  }
}
