import type { Clock } from '../../clock.js';
import type { Database, Statement } from '../../stores/database.js';

/** Balances that have moved since their last snapshot; the last transaction tells up to where the new one counts. */
const takeSnapshots: Statement = {
  name: 'ledger-take-snapshots',
  text: `insert into balance_snapshots (user_id, version, posted, transaction_count, counted_until, created_at)
    select b.user_id, last.version, last.balance_after,
      coalesce(s.transaction_count, 0) + (select count(*)::int from transactions t
        where t.user_id = b.user_id and t.version > coalesce(s.version, 0) and t.version <= last.version),
      last.created_at, $1
    from balances b
    left join lateral (
      select version, transaction_count from balance_snapshots where user_id = b.user_id order by version desc limit 1
    ) s on true
    join lateral (
      select version, balance_after, created_at from transactions where user_id = b.user_id order by version desc limit 1
    ) last on last.version > coalesce(s.version, 0)
    limit $2
    on conflict do nothing returning 1`,
};

/** Notes what balances had posted at a version, so that old states and the verification need not begin at the beginning. */
export class Snapshots {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Snapshots up to `limit` balances that have moved on since their last one; gives back how many. */
  async takeDue(limit: number): Promise<number> {
    return (await this.database.query(takeSnapshots, [this.clock.now(), limit])).length;
  }
}
