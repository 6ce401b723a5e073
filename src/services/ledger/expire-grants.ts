import type { Queryable, Statement } from '../../stores/database.js';

/**
 * One batch of grants, whoever they belong to: locks what is due (skipping what another worker has), then the viewers' balances
 * (skipping those that are busy: it never waits, so it takes part in no deadlock), expires, and writes a live event for each
 * grant, numbered per viewer. The limit stands in the text: with a parameter the planner takes a tenth of all grants for due,
 * and reads the tables from end to end for each batch.
 */
const expireBatch = (limit: number): Statement => ({
  name: `grants-expire-batch-of-${limit}`,
  text: `with due as (
      select id, user_id from grants where status = 'ACTIVE' and available_until <= $1
      order by available_until limit ${limit} for no key update skip locked
    ),
    viewers as (
      select user_id, event_sequence from balances where user_id in (select user_id from due)
      order by user_id for no key update skip locked
    ),
    expired as (
      update grants g set status = 'EXPIRED', ended_at = $1 from due join viewers using (user_id)
      where g.id = due.id and g.status = 'ACTIVE'
      returning g.id, g.user_id, g.available_until, viewers.event_sequence
    ),
    numbered as (
      select id, user_id, event_sequence + row_number() over (partition by user_id order by available_until, id) as sequence
      from expired
    ),
    live as (
      insert into live_events (user_id, sequence, grant_id, created_at) select user_id, sequence, id, $1 from numbered
    ),
    moved as (
      update balances b set event_sequence = last.sequence
      from (select user_id, max(sequence)::int as sequence, count(*) as grants from numbered group by user_id) last
      where b.user_id = last.user_id returning b.user_id, last.sequence, last.grants
    )
    select user_id as "userId", sequence, grants from moved`,
});

export interface ExpiredGrants {
  readonly userId: string;
  /** The number of the viewer's last live event now. */
  readonly sequence: number;
  /** How many of the viewer's grants expired. */
  readonly grants: number;
}

/**
 * Expires up to `limit` grants that are due, in one transaction; those of viewers who are busy just now are left for the next
 * time. It moves no money. Call it with one and the same limit: each is a statement of its own.
 */
export function expireGrantsDue(database: Queryable, limit: number, now: Date): Promise<ExpiredGrants[]> {
  return database.query<ExpiredGrants>(expireBatch(limit), [now]);
}
