import type { Reconciliation } from '../../entities/reconciliation.js';
import { RECONCILIATION_FINDING_KINDS, type ReconciliationFinding } from '../../entities/reconciliation-finding.js';
import type { Database, Queryable, Statement } from '../../stores/database.js';
import { newId } from '../ids.js';
import { checkedFirst, decodeCursor, type Page, pageOf } from '../pagination.js';
import type { Finding } from './walk-objects.js';

/** What Stripe moved for our viewers in one currency, in minor units; `net` is what the account was left with. */
export interface MovedTotal {
  readonly currency: string;
  readonly gross: number;
  readonly fees: number;
  readonly net: number;
}

/** Both together, by currency. */
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

/** For people. */
export function describeMoved(totals: readonly MovedTotal[]): string {
  if (totals.length === 0) return 'no money moved';
  const inWords = totals.map(({ currency, gross, fees, net }) => `${gross} ${currency} moved, ${fees} fees, ${net} net`);
  return `${inWords.join('; ')} (minor units)`;
}

/** More findings than this are counted, but not kept: the gravest are. */
const MAX_FINDINGS_KEPT = 1_000;

const columns = `id, started_at as "startedAt", finished_at as "finishedAt", compared_until as "comparedUntil",
  objects_checked as "objectsChecked", events_replayed as "eventsReplayed", findings_count as "findingsCount"`;

const insertRun: Statement = {
  name: 'insert-reconciliation',
  text: 'insert into reconciliations (id, started_at) values ($1, $2)',
};
const lastComparedUntil: Statement = {
  name: 'last-compared-until',
  text: 'select max(compared_until) as "comparedUntil" from reconciliations',
};
const saveProgress: Statement = {
  name: 'save-reconciliation-progress',
  text: `update reconciliations set compared_until = coalesce($2, compared_until), objects_checked = $3, events_replayed = $4,
    findings_count = $5, finished_at = $6 where id = $1`,
};
const insertFindings: Statement = {
  name: 'insert-reconciliation-findings',
  text: `insert into reconciliation_findings (id, reconciliation_id, kind, stripe_id, order_id, user_id, detail, repaired)
    select finding.id, $1, finding.kind, finding."stripeId", finding."orderId", finding."userId", finding.detail, finding.repaired
    from jsonb_to_recordset($2::jsonb) as finding
      (id uuid, kind text, "stripeId" text, "orderId" uuid, "userId" uuid, detail text, repaired boolean)`,
};
/** The contract's order: gravest first, those that are left before those that were repaired. */
const gravestFirst = (kinds: string) => `array_position(${kinds}::text[], kind), repaired, id`;
const dropBeyond: Statement = {
  name: 'drop-reconciliation-findings-beyond',
  text: `delete from reconciliation_findings where id in (
    select id from reconciliation_findings where reconciliation_id = $1 order by ${gravestFirst('$2')} offset $3)`,
};
const pageRuns: Statement = {
  name: 'page-reconciliations',
  text: `select ${columns} from reconciliations
    where $1::timestamptz is null or (started_at, id) < ($1::timestamptz, $2::uuid)
    order by started_at desc, id desc limit $3`,
};
const runsByIds: Statement = {
  name: 'reconciliations-by-ids',
  text: `select ${columns} from reconciliations where id = any($1::uuid[])`,
};
const findingsOfRuns: Statement = {
  name: 'findings-of-reconciliations',
  text: `select id, reconciliation_id as "reconciliationId", kind, stripe_id as "stripeId", order_id as "orderId",
      user_id as "userId", detail, repaired
    from reconciliation_findings where reconciliation_id = any($1::uuid[]) order by ${gravestFirst('$2')}`,
};

export interface Progress {
  readonly objectsChecked: number;
  readonly eventsReplayed: number;
  readonly findingsCount: number;
}

/** The record of comparisons with Stripe. */
export class ReconciliationStore {
  constructor(
    private readonly database: Database,
    private readonly largestPage: number,
  ) {}

  /** Newest first. @throws InvalidArgument for `first`, InvalidCursor for `after` */
  async page({ first, after }: { first: number; after?: string | null }): Promise<Page<Reconciliation>> {
    checkedFirst(first, this.largestPage);
    const [startedAt, id] = after ? decodeCursor(after, ['instant', 'uuid']) : [null, null];
    const rows = await this.database.query<Reconciliation>(pageRuns, [startedAt, id, first + 1]);
    return pageOf(rows, first, (run) => [run.startedAt, run.id], after);
  }

  /** Those that there are, in no order. The ids must be UUIDs. */
  byIds(ids: readonly string[]): Promise<Reconciliation[]> {
    return this.database.query<Reconciliation>(runsByIds, [ids]);
  }

  /** The findings of these runs, gravest first, those that were repaired after those that were not. */
  findingsOf(ids: readonly string[]): Promise<ReconciliationFinding[]> {
    return this.database.query<ReconciliationFinding>(findingsOfRuns, [ids, RECONCILIATION_FINDING_KINDS]);
  }

  /** Up to where Stripe's objects have been compared, by whichever run came farthest. */
  async comparedUntil(): Promise<Date | null> {
    const [row] = await this.database.query<{ comparedUntil: Date | null }>(lastComparedUntil);
    return row?.comparedUntil ?? null;
  }

  async begin(startedAt: Date): Promise<string> {
    const id = newId();
    await this.database.query(insertRun, [id, startedAt]);
    return id;
  }

  /** Notes how far the run has come, with what it has found since it was noted last. */
  async note(id: string, progress: Progress, found: readonly Finding[], comparedUntil: Date | null, finishedAt: Date | null) {
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
