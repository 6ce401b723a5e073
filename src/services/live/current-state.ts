import type { Queryable, Statement } from '../../stores/database.js';
import type { CursorPosition } from './live-cursor.js';

/** A balance after a change. */
export interface LiveBalance {
  readonly userId: string;
  readonly currency: string;
  readonly posted: number;
  readonly held: number;
  readonly version: number;
  /** Null if the balance never changed. */
  readonly updatedAt: Date | null;
}

export interface CurrentState {
  readonly balance: LiveBalance;
  readonly position: CursorPosition;
}

/** One statement, so that the balance and the number of the last entry are consistent. $2: the last number that the client has seen. */
const READ_CURRENT_STATE: Statement = {
  name: 'read-live-current-state',
  text: `
    select currency, posted, held, version, updated_at as "updatedAt", journal_sequence as "last",
      (select created_at from journal where journal.user_id = $1 and journal.sequence = $2::int + 1) as "missedAt"
    from balances where user_id = $1`,
};

/** One statement, so that the grants and the number of the last entry are consistent. */
const READ_CURRENT_GRANTS: Statement = {
  name: 'read-live-current-grants',
  text: `
    select balances.journal_sequence as "last", array(
      select id from grants where user_id = $1 and status in ('ACTIVE', 'SUSPENDED') order by granted_at, id limit $2
    ) as "grantIds"
    from balances where user_id = $1`,
};

/**
 * The balance, and the position of a client that has seen the entries up to `seen`. A viewer without a balance row has never had a
 * change: their balance is empty, in `defaultCurrency`.
 */
export async function readCurrentState(
  database: Queryable,
  userId: string,
  defaultCurrency: string,
  seen: number | null,
): Promise<CurrentState> {
  type Row = Omit<LiveBalance, 'userId'> & CursorPosition;
  const [row] = await database.query<Row>(READ_CURRENT_STATE, [userId, seen]);
  if (!row) {
    const balance = { userId, currency: defaultCurrency, posted: 0, held: 0, version: 0, updatedAt: null };
    return { balance, position: { last: 0, missedAt: null } };
  }
  const { last, missedAt, ...balance } = row;
  return { balance: { userId, ...balance }, position: { last, missedAt } };
}

/** Returns the ids of the grants that are ACTIVE or SUSPENDED, oldest first, and the number of the last entry they include. */
export async function readCurrentGrants(
  database: Queryable,
  userId: string,
  maxCount: number,
): Promise<{ grantIds: readonly string[]; last: number }> {
  const [row] = await database.query<{ grantIds: string[]; last: number }>(READ_CURRENT_GRANTS, [userId, maxCount]);
  return row ?? { grantIds: [], last: 0 };
}
