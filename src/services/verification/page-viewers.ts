import type { Statement } from '../../stores/database.js';

/** The columns with the ids of viewers. Somebody may have rows in any of them and in no other. */
const OWNERS = [
  ['balances', 'user_id'],
  ['transactions', 'user_id'],
  ['holds', 'user_id'],
  ['grants', 'user_id'],
  ['orders', 'user_id'],
  ['refunds', 'user_id'],
  ['disputes', 'user_id'],
  ['journal', 'user_id'],
  ['audit_entries', 'viewer_id'],
  ['idempotency_records', 'caller_id'],
  ['viewer_verifications', 'user_id'],
] as const;

export const BEFORE_ALL = '00000000-0000-0000-0000-000000000000';

/** $1 viewers after this one, $2 how many: everyone of whom there is a row anywhere, by id. Each branch reads one index in order. */
export const pageViewers: Statement = {
  name: 'verify-page-viewers',
  text: `select user_id as "userId" from (
      ${OWNERS.map(([table, column]) => `(select distinct ${column} as user_id from ${table} where ${column} > $1 order by 1 limit $2)`).join(' union ')}
    ) viewer order by user_id limit $2`,
};

/** $1 of the balances after this one, $2 how many: those that changed since they were verified, and where the next page starts. */
export const pageChanged: Statement = {
  name: 'verify-page-changed',
  text: `with page as (
      select user_id, journal_sequence from balances where user_id > $1 order by user_id limit $2
    )
    select (select array_agg(page.user_id order by page.user_id) from page left join viewer_verifications v using (user_id)
        where v.user_id is null or v.discrepancies is not null or page.journal_sequence <> v.journal_sequence) as changed,
      (select max(user_id::text) from page having count(*) = $2) as next`,
};
