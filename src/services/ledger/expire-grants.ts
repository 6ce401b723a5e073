import type { Queryable, Statement } from '../../stores/database.js';
import { entryColumns, subjectEntry } from './journal.js';

/**
 * One batch of grants of any viewers. Locks what is due, skipping what another worker has locked; then the viewers' balances,
 * skipping those that are busy: it never waits, so it takes part in no deadlock. Expires the grants and writes a journal entry for
 * each, numbered per viewer. The limit is part of the text: with a parameter, the planner assumes that a tenth of all grants is
 * due and reads the tables from end to end for each batch.
 */
const expireBatch = (limit: number): Statement => ({
  name: `grants-expire-batch-of-${limit}`,
  text: `with due as (
      select id, user_id from grants where status = 'ACTIVE' and available_until <= $1
      order by available_until limit ${limit} for no key update skip locked
    ),
    viewers as (
      select user_id, journal_sequence, updated_at from balances where user_id in (select user_id from due)
      order by user_id for no key update skip locked
    ),
    expired as (
      update grants g set status = 'EXPIRED', ended_at = $1 from due join viewers using (user_id)
      where g.id = due.id and g.status = 'ACTIVE'
      returning g.*, viewers.journal_sequence, viewers.updated_at
    ),
    numbered as (
      select *, journal_sequence + row_number() over (partition by user_id order by available_until, id) as sequence from expired
    ),
    entries as (
      insert into journal (${entryColumns})
      ${subjectEntry({ kind: 'GRANT', row: 'numbered', sequence: 'sequence', at: 'greatest(updated_at, $1)' })} from numbered order by user_id, sequence
    ),
    moved as (
      update balances b set journal_sequence = last.sequence
      from (select user_id, max(sequence)::int as sequence, count(*) as grants from numbered group by user_id) last
      where b.user_id = last.user_id returning b.user_id, last.sequence, last.grants
    )
    select user_id as "userId", sequence, grants from moved`,
});

export interface ExpiredGrants {
  readonly userId: string;
  /** The number of the viewer's last journal entry now. */
  readonly sequence: number;
  /** How many of the viewer's grants expired. */
  readonly grants: number;
}

/**
 * Expires up to `limit` grants that are due, in one transaction; those of viewers who are busy are left for the next call. It
 * moves no money. Always call it with the same limit: each limit is a separate prepared statement.
 */
export function expireGrantsDue(database: Queryable, limit: number, now: Date): Promise<ExpiredGrants[]> {
  return database.query<ExpiredGrants>(expireBatch(limit), [now]);
}
