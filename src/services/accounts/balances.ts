import type { Balance } from '../../entities/balance.js';
import { balanceColumns } from '../../stores/columns.js';
import { type Queryable, statement } from '../../stores/database.js';
import { firstEntryWhere, TRANSACTIONS } from '../ledger/find-entry.js';

/** A balance as returned to readers. One that never changed has version 0 and no `updatedAt`. */
export type BalanceRead = Pick<Balance, 'userId' | 'currency' | 'posted' | 'held' | 'version'> & { updatedAt: Date | null };

export interface BalanceInstant {
  readonly userId: string;
  readonly time: Date;
}

const balancesByUsers = statement('balances-by-users')`select ${balanceColumns} from balances where user_id = any($1::uuid[])`;

/** As the last journal entry at or before the instant has it; for one before the journal was begun, as the last transaction has it. */
const balancesAt = statement('balances-at')`
    select coalesce(entry.posted, transaction.balance_after, 0) as posted
    from unnest($1::uuid[], $2::timestamptz[]) with ordinality as asked (user_id, time, place)
    left join lateral ${firstEntryWhere('asked.user_id', 'entry.created_at > asked.time')} later on true
    left join lateral (
      select posted from journal
      where user_id = asked.user_id and sequence < later.number and version is not null
      order by sequence desc limit 1
    ) entry on true
    left join lateral (
      select balance_after
      from ${firstEntryWhere('asked.user_id', 'entry.created_at > asked.time', TRANSACTIONS)} later
      cross join lateral (
        select balance_after from transactions where user_id = asked.user_id and version < later.number order by version desc limit 1
      ) last
      where entry.posted is null
    ) transaction on true
    order by asked.place`;

/** Reads balances. Amounts are in minor units. */
export class Balances {
  constructor(
    private readonly database: Queryable,
    /** The configured currency, for viewers who have no balance yet. */
    private readonly currency: string,
  ) {}

  /** Returns one balance per viewer, in the given order: zero in the configured currency for viewers who have none. */
  async byUsers(userIds: readonly string[]): Promise<BalanceRead[]> {
    const rows = await this.database.query<Balance>(balancesByUsers, [userIds]);
    const balanceOf = new Map(rows.map((row) => [row.userId, row]));
    return userIds.map((userId) => {
      const row = balanceOf.get(userId);
      if (!row) return { userId, currency: this.currency, posted: 0, held: 0, version: 0, updatedAt: null };
      return row.version === 0 ? { ...row, updatedAt: null } : row;
    });
  }

  /** Returns the posted balance at each instant, in the given order. */
  async postedAt(instants: readonly BalanceInstant[]): Promise<number[]> {
    const values = [instants.map(({ userId }) => userId), instants.map(({ time }) => time)];
    const rows = await this.database.query<{ posted: number }>(balancesAt, values);
    return rows.map(({ posted }) => posted);
  }
}
