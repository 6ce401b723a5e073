import type { Queryable, Statement } from '../../stores/database.js';

/**
 * One batch: locks the viewers' balances (skipping those that are busy or in another worker's hands), then expires what is due
 * of theirs and writes a live event for each grant, numbered per viewer.
 */
const expireBatch: Statement = {
  name: 'grants-expire-batch',
  text: `with viewers as (
      select user_id, event_sequence from balances where user_id = any($2::uuid[]) order by user_id for no key update skip locked
    ),
    expired as (
      update grants g set status = 'EXPIRED', ended_at = $1 from viewers
      where g.user_id = viewers.user_id and g.status = 'ACTIVE' and g.available_until <= $1
      returning g.id, g.user_id, g.available_until
    ),
    numbered as (
      select e.id, e.user_id, v.event_sequence + row_number() over (partition by e.user_id order by e.available_until, e.id) as sequence
      from expired e join viewers v using (user_id)
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
};

export interface ExpiredGrants {
  readonly userId: string;
  /** The number of the viewer's last live event now. */
  readonly sequence: number;
  /** How many of the viewer's grants expired. */
  readonly grants: number;
}

/** Expires what is due of these viewers' grants; viewers who are busy are left for the next run. It moves no money. */
export function expireGrantsOf(database: Queryable, userIds: readonly string[], now: Date): Promise<ExpiredGrants[]> {
  return database.query<ExpiredGrants>(expireBatch, [now, userIds]);
}
