import type { Damage } from './ledger-damage.js';

const hashAgain = `update journal e set hash = sha256(p.hash || record_send(row(e.form, e.user_id, e.sequence, e.kind, e.subject_id,
  e.version, e.posted, e.held, e.state, e.digest, e.actor_id, e.created_at))) from journal p
  where p.user_id = e.user_id and p.sequence = e.sequence - 1 and e.sequence = 3`;
const one = (table: string, condition = 'true') => `where id = (select id from ${table} where ${condition} order by id limit 1)`;

/** Kinds of damage to access and history, found by the rules of the journal that are named, whatever else notices them. */
export const JOURNAL_DAMAGE: readonly Damage[] = [
  [
    'a grant set back to ACTIVE',
    () => [`update grants set status = 'ACTIVE' ${one('grants', "status = 'SUSPENDED'")}`],
    ['JOURNAL_HAS_EACH_GRANT'],
  ],
  [
    'a grant extended by a year',
    () => [`update grants set available_until = available_until + interval '1 year' ${one('grants', "paid_with = 'BALANCE'")}`],
    ['JOURNAL_HAS_EACH_GRANT'],
  ],
  [
    'a grant that began earlier',
    () => [`update grants set starts_at = starts_at - interval '1 day' ${one('grants')}`],
    ['JOURNAL_HAS_EACH_GRANT'],
  ],
  [
    'a grant of another version',
    () => [`update grants set version_id = gen_random_uuid() ${one('grants')}`],
    ['JOURNAL_HAS_EACH_GRANT'],
  ],
  ['a deleted refund', () => ['delete from refunds'], ['JOURNAL_HAS_EACH_REFUND']],
  ['a deleted dispute', () => ['delete from disputes'], ['JOURNAL_HAS_EACH_DISPUTE']],
  ['a deleted order', () => [`delete from orders ${one('orders')}`], ['JOURNAL_HAS_EACH_ORDER']],
  ['a deleted hold', () => ['delete from holds'], ['JOURNAL_HAS_EACH_HOLD']],
  [
    'an order that nobody opened',
    ({ poor }) => [
      `insert into orders (id, user_id, kind, status, amount, currency, created_at, expires_at, closed_at, return_url)
       values (gen_random_uuid(), '${poor}', 'TOP_UP', 'EXPIRED', 500, 'USD', now(), now(), now(), 'https://films.test/')`,
    ],
    ['JOURNAL_HAS_EACH_ORDER'],
  ],
  ['an order of another amount', () => [`update orders set amount = amount + 1 ${one('orders')}`], ['JOURNAL_HAS_EACH_ORDER']],
  [
    'a swapped counter account',
    () => [`update transactions set counter_account = 'STRIPE' where kind = 'REFUND'`],
    ['JOURNAL_HAS_EACH_MOVEMENT'],
  ],
  [
    'a movement dated differently',
    () => ["update transactions set created_at = created_at - interval '1 day' where version = 2"],
    ['JOURNAL_HAS_EACH_MOVEMENT'],
  ],
  [
    'another actor of an adjustment',
    () => ["update transactions set actor_id = gen_random_uuid() where kind = 'ADJUSTMENT'"],
    ['JOURNAL_HAS_EACH_MOVEMENT'],
  ],
  ['a balance that skipped a version', () => ['update balances set version = version + 1'], ['JOURNAL_HAS_EACH_BALANCE']],
  ['an entry that says something else', () => ["update journal set state = '{}' where sequence = 3"], ['JOURNAL_IS_CHAINED']],
  [
    'an entry dated differently',
    () => ["update journal set created_at = created_at + interval '1 day' where sequence = 3"],
    ['JOURNAL_IS_CHAINED'],
  ],
  ['an entry in an unknown form', () => ['update journal set form = 2 where sequence = 3'], ['JOURNAL_IS_CHAINED']],
  [
    'an entry rewritten together with its hash',
    () => ["update journal set state = '{}' where sequence = 3", hashAgain],
    ['JOURNAL_IS_CHAINED'],
  ],
  ['a missing entry', () => ['delete from journal where sequence = 3'], ['JOURNAL_IS_GAPLESS']],
  ['a missing first entry', () => ['delete from journal where sequence = 1'], ['JOURNAL_IS_GAPLESS']],
  [
    'a missing last entry',
    ({ poor }) => [
      `delete from journal where user_id = '${poor}' and sequence = (select max(sequence) from journal where user_id = '${poor}')`,
    ],
    ['JOURNAL_IS_GAPLESS'],
  ],
  ['an entry after the last one', () => ['update balances set journal_sequence = journal_sequence - 1'], ['JOURNAL_IS_GAPLESS']],
  [
    'a last entry of a balance that never was',
    ({ poor }) => [
      `update journal set posted = posted + 1 where (user_id, version) = (select user_id, version from balances where user_id = '${poor}')`,
    ],
    ['JOURNAL_HAS_EACH_BALANCE'],
  ],
  [
    'an entry of a balance that never was',
    () => ['update journal set posted = posted + 1 where version = 10'],
    ['JOURNAL_HAS_EACH_BALANCE'],
  ],
  [
    'a gift that no admin made',
    () => ["delete from audit_entries where action = 'giftGrant'"],
    ['MANUAL_CHANGE_HAS_ITS_AUDIT_ENTRY'],
  ],
  [
    'an adjustment that no admin made',
    ({ poor }) => [`delete from audit_entries where action = 'adjustBalance' and viewer_id = '${poor}'`],
    ['MANUAL_CHANGE_HAS_ITS_AUDIT_ENTRY'],
  ],
  [
    'a reason that was rewritten',
    ({ poor }) => [`update erasable_texts set text = replace(text, 'test', 'fraud') where user_id = '${poor}'`],
    ['TEXT_MATCHES_ITS_DIGEST'],
  ],
];
