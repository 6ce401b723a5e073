import type { Clock } from '../../runtime/clock.js';
import type { Database, Statement } from '../../stores/database.js';

/**
 * Snapshots those of the next balances by id that have moved since their last snapshot. A snapshot covers everything up to the
 * last transaction.
 */
const takeSnapshots: Statement = {
  name: 'ledger-take-snapshots',
  text: `with page as (
      select user_id from balances where user_id > $2 order by user_id limit $3
    ),
    taken as (
      insert into balance_snapshots (user_id, version, posted, transaction_count, counted_until, created_at)
      select page.user_id, last.version, last.balance_after,
        coalesce(s.transaction_count, 0) + (select count(*)::int from transactions t
          where t.user_id = page.user_id and t.version > coalesce(s.version, 0) and t.version <= last.version),
        last.created_at, $1
      from page
      left join lateral (
        select version, transaction_count from balance_snapshots where user_id = page.user_id order by version desc limit 1
      ) s on true
      join lateral (
        select version, balance_after, created_at from transactions where user_id = page.user_id order by version desc limit 1
      ) last on last.version > coalesce(s.version, 0)
      on conflict do nothing returning 1
    )
    select (select count(*) from taken) as taken,
      (select user_id from page order by user_id offset $3 - 1 limit 1) as next`,
};

const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

export interface SnapshotPage {
  readonly taken: number;
  /** Where the next page starts; null after the last balance. */
  readonly next: string | null;
}

/**
 * Records what balances had posted at a version, so that past states and the verification need not start at the first
 * transaction.
 */
export class Snapshots {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /**
   * Checks up to `limit` balances after `after` (null: from the first), and snapshots those that have moved since their last
   * snapshot. A walk checks each balance once, however many there are; two walks at the same time do no harm.
   */
  async takeAfter(after: string | null, limit: number): Promise<SnapshotPage> {
    const [page] = await this.database.query<SnapshotPage>(takeSnapshots, [this.clock.now(), after ?? BEFORE_ALL, limit]);
    return page as SnapshotPage;
  }
}
