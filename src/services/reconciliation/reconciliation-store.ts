import type { Reconciliation } from '../../entities/reconciliation.js';
import { RECONCILIATION_FINDING_KINDS, type ReconciliationFinding } from '../../entities/reconciliation-finding.js';
import { findingColumns, reconciliationColumns } from '../../stores/columns.js';
import { type Database, type Queryable, statement } from '../../stores/database.js';
import { newId } from '../ids.js';
import { checkedFirst, decodeCursor, type Page, pageOf } from '../pagination.js';
import type { Finding } from './walk-objects.js';

/** What Stripe moved for our viewers in one currency, in minor units; `net` is what remained for the account. */
export interface MovedTotal {
  readonly currency: string;
  readonly gross: number;
  readonly fees: number;
  readonly net: number;
}

/** Adds the totals, by currency. */
export function addTotals(some: readonly MovedTotal[], more: readonly MovedTotal[]): MovedTotal[] {
  const sums = new Map<string, MovedTotal>();
  for (const total of [...some, ...more]) {
    const before = sums.get(total.currency) ?? { gross: 0, fees: 0, net: 0 };
    const { currency } = total;
    const [gross, fees, net] = [before.gross + total.gross, before.fees + total.fees, before.net + total.net];
    sums.set(currency, { currency, gross, fees, net });
  }
  return [...sums.values()];
}

/** Formats the totals for display. */
export function describeMoved(totals: readonly MovedTotal[]): string {
  if (totals.length === 0) return 'no money moved';
  const inWords = totals.map(({ currency, gross, fees, net }) => `${gross} ${currency} moved, ${fees} fees, ${net} net`);
  return `${inWords.join('; ')} (minor units)`;
}

/** Findings beyond this number are counted but not stored; the most serious ones are stored. */
const MAX_FINDINGS_KEPT = 1_000;

const insertRun = statement('insert-reconciliation')`insert into reconciliations (id, started_at) values ($1, $2)`;
const lastComparedUntil = statement('last-compared-until')`select max(compared_until) as "comparedUntil" from reconciliations`;
const saveProgress = statement('save-reconciliation-progress')`update reconciliations
    set compared_until = coalesce($2, compared_until), objects_checked = $3, events_replayed = $4,
    findings_count = $5, finished_at = $6 where id = $1`;
const insertFindings = statement('insert-reconciliation-findings')`
    insert into reconciliation_findings (id, reconciliation_id, kind, stripe_id, order_id, user_id, detail, repaired)
    select finding.id, $1, finding.kind, finding."stripeId", finding."orderId", finding."userId", finding.detail, finding.repaired
    from jsonb_to_recordset($2::jsonb) as finding
      (id uuid, kind text, "stripeId" text, "orderId" uuid, "userId" uuid, detail text, repaired boolean)`;
/** The schema's order: most serious first; within a kind, open findings before repaired ones. */
const mostSeriousFirst = (kinds: string) => `array_position(${kinds}::text[], kind), repaired, id`;
const dropBeyond = statement('drop-reconciliation-findings-beyond')`delete from reconciliation_findings where id in (
    select id from reconciliation_findings where reconciliation_id = $1 order by ${mostSeriousFirst('$2')} offset $3)`;
const pageRuns = statement('page-reconciliations')`select ${reconciliationColumns} from reconciliations
    where $1::timestamptz is null or (started_at, id) < ($1::timestamptz, $2::uuid)
    order by started_at desc, id desc limit $3`;
const runsByIds = statement('reconciliations-by-ids')`select ${reconciliationColumns} from reconciliations
    where id = any($1::uuid[])`;
const findingsOfRuns = statement('findings-of-reconciliations')`select ${findingColumns}
    from reconciliation_findings where reconciliation_id = any($1::uuid[]) order by ${mostSeriousFirst('$2')}`;

export interface Progress {
  readonly objectsChecked: number;
  readonly eventsReplayed: number;
  readonly findingsCount: number;
}

/** Stores the runs and their findings. */
export class ReconciliationStore {
  constructor(
    private readonly database: Database,
    private readonly pageMaximumCount: number,
  ) {}

  /** Newest first. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async page({ first, after }: { first: number; after?: string | null }): Promise<Page<Reconciliation>> {
    checkedFirst(first, this.pageMaximumCount);
    const [startedAt, id] = after ? decodeCursor(after, ['instant', 'uuid']) : [null, null];
    const rows = await this.database.query<Reconciliation>(pageRuns, [startedAt, id, first + 1]);
    return pageOf(rows, first, (run) => [run.startedAt, run.id], after);
  }

  /** Returns the runs that exist, in no particular order. The ids must be UUIDs. */
  byIds(ids: readonly string[]): Promise<Reconciliation[]> {
    return this.database.query<Reconciliation>(runsByIds, [ids]);
  }

  /** Returns the findings of these runs, most serious first; within a kind, open findings before repaired ones. */
  findingsOf(ids: readonly string[]): Promise<ReconciliationFinding[]> {
    return this.database.query<ReconciliationFinding>(findingsOfRuns, [ids, RECONCILIATION_FINDING_KINDS]);
  }

  /** The time up to which Stripe's objects have been compared, by whichever run progressed furthest. */
  async comparedUntil(): Promise<Date | null> {
    const [row] = await this.database.query<{ comparedUntil: Date | null }>(lastComparedUntil);
    return row?.comparedUntil ?? null;
  }

  async start(startedAt: Date): Promise<string> {
    const id = newId();
    await this.database.query(insertRun, [id, startedAt]);
    return id;
  }

  /** Saves the run's progress and its findings since the last save. */
  async save(id: string, progress: Progress, found: readonly Finding[], comparedUntil: Date | null, finishedAt: Date | null) {
    const rows = found.map((finding) => ({ id: newId(), ...finding }));
    await this.database.transaction(async (tx: Queryable) => {
      if (rows.length > 0) await tx.query(insertFindings, [id, JSON.stringify(rows)]);
      if (progress.findingsCount > MAX_FINDINGS_KEPT) {
        await tx.query(dropBeyond, [id, RECONCILIATION_FINDING_KINDS, MAX_FINDINGS_KEPT]);
      }
      const { objectsChecked, eventsReplayed, findingsCount } = progress;
      await tx.query(saveProgress, [id, comparedUntil, objectsChecked, eventsReplayed, findingsCount, finishedAt]);
    });
  }
}
