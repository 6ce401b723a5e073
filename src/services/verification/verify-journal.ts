import type { Statement } from '../../stores/database.js';
import { digestOf, entryForm, type Subject, tableOf } from '../ledger/journal.js';
import { finding } from './rule.js';

/** Numbers without gaps from 1, or from the genesis entry, to the last one that the balance names. */
const gapless: Statement = {
  name: 'verify-journal-is-gapless',
  text: `with entry as (
      select user_id, sequence, kind, lag(sequence) over (partition by user_id order by sequence) as previous
      from journal where user_id = any($1::uuid[])
    )
    ${finding('JOURNAL_IS_GAPLESS', 'user_id', "coalesce(previous + 1 || ' after ' || previous, 'entry 1 or a genesis first')", "kind || ' ' || sequence")}
    from entry where sequence <> coalesce(previous + 1, case kind when 'GENESIS' then sequence else 1 end)
    union all
    ${finding('JOURNAL_IS_GAPLESS', 'b.user_id', "b.journal_sequence || ' entries'", "coalesce(last.sequence, 0) || ' is the last'")}
    from balances b left join lateral (
      select max(sequence) as sequence from journal where user_id = b.user_id
    ) last on true
    where b.user_id = any($1::uuid[]) and b.journal_sequence <> coalesce(last.sequence, 0)`,
};

/** Each hash again, from the first one. What was changed in an entry is found there, and at no entry after it. */
const chained: Statement = {
  name: 'verify-journal-is-chained',
  text: `with entry as (
      select *, lag(hash) over (partition by user_id order by sequence) as previous from journal where user_id = any($1::uuid[])
    )
    ${finding('JOURNAL_IS_CHAINED', 'user_id', "'the hash of the entries up to ' || sequence", "encode(hash, 'hex')")}
    from entry where form <> 1 or hash <> sha256(coalesce(previous, decode(repeat('00', 32), 'hex')) || ${entryForm('entry')})`,
};

/** The balance and its versions, as the entries have them. */
const balances: Statement = {
  name: 'verify-journal-has-the-balance',
  text: `with entry as (
      select user_id, sequence, kind, version, posted, held, lag(version) over by_sequence as previous, lag(posted) over by_sequence as posted_before
      from journal where user_id = any($1::uuid[]) and version is not null
      window by_sequence as (partition by user_id order by sequence)
    )
    ${finding('JOURNAL_HAS_EACH_BALANCE', 'user_id', "'version ' || coalesce(previous, 0) + 1", "'version ' || version || ' in entry ' || sequence")}
    from entry where kind <> 'GENESIS' and version <> coalesce(previous, 0) + 1
    union all
    ${finding('JOURNAL_HAS_EACH_BALANCE', 'user_id', 'posted_before', "posted || ' in entry ' || sequence")}
    from entry where kind = 'HOLD' and posted <> posted_before
    union all
    ${finding('JOURNAL_HAS_EACH_BALANCE', 'b.user_id', "coalesce(last.version || ': ' || last.posted || ' / ' || last.held, 'none')", "b.version || ': ' || b.posted || ' / ' || b.held")}
    from balances b left join lateral (
      select version, posted, held from entry where user_id = b.user_id order by sequence desc limit 1
    ) last on true
    where b.user_id = any($1::uuid[])
      and (b.version, b.posted, b.held) is distinct from (coalesce(last.version, 0), coalesce(last.posted, 0), coalesce(last.held, 0))`,
};

/** Each row is as its last entry left it, and each entry has its row. */
const subject = (kind: Subject): Statement => ({
  name: `verify-journal-has-each-${kind.toLowerCase()}`,
  text: `with entry as (
      select distinct on (user_id, subject_id) user_id, subject_id, sequence, digest from journal
      where user_id = any($1::uuid[]) and kind = '${kind}' order by user_id, subject_id, sequence desc
    ),
    subject as (
      select row.user_id, row.id, ${digestOf(kind, 'row')} as digest from ${tableOf(kind)} row where user_id = any($1::uuid[])
    )
    ${finding(
      `JOURNAL_HAS_EACH_${kind}`,
      'coalesce(entry.user_id, subject.user_id)',
      "coalesce('the row as entry ' || entry.sequence || ' left it', 'an entry')",
      "case when subject.id is null then 'no row ' || entry.subject_id when entry.sequence is null then 'no entry of row ' || subject.id else 'another row ' || subject.id end",
    )}
    from entry full join subject on subject.id = entry.subject_id and subject.user_id = entry.user_id
    where entry.digest is distinct from subject.digest`,
});

/** Each transaction is as its entry says; those from before the journal was begun, as the genesis entry says of all of them. */
const movements: Statement = {
  name: 'verify-journal-has-each-movement',
  text: `with genesis as (
      select user_id, sequence, version, digest from journal where user_id = any($1::uuid[]) and kind = 'GENESIS'
    ),
    entry as (
      select user_id, sequence, subject_id, version, posted, digest from journal where user_id = any($1::uuid[]) and kind = 'MOVEMENT'
    ),
    movement as (
      select row.user_id, row.id, row.version, row.balance_after, ${digestOf('MOVEMENT', 'row')} as digest
      from transactions row left join genesis on genesis.user_id = row.user_id
      where row.user_id = any($1::uuid[])
    )
    ${finding(
      'JOURNAL_HAS_EACH_MOVEMENT',
      'coalesce(entry.user_id, movement.user_id)',
      "coalesce('the transaction as entry ' || entry.sequence || ' says', 'an entry')",
      "case when movement.id is null then 'no transaction ' || entry.subject_id when entry.sequence is null then 'no entry of transaction ' || movement.id else 'another transaction ' || movement.id end",
    )}
    from entry full join (
      select movement.* from movement left join genesis using (user_id) where genesis.version is null or movement.version > genesis.version
    ) movement on movement.id = entry.subject_id and movement.user_id = entry.user_id
    where (entry.version, entry.posted, entry.digest) is distinct from (movement.version, movement.balance_after, movement.digest)
    union all
    ${finding('JOURNAL_HAS_EACH_MOVEMENT', 'genesis.user_id', "'the transactions as entry ' || genesis.sequence || ' says'", "'other transactions up to version ' || genesis.version")}
    from genesis
    where genesis.digest <> sha256(coalesce((
      select string_agg(movement.digest, '' order by movement.version) from movement
      where movement.user_id = genesis.user_id and movement.version <= genesis.version
    ), ''))`,
};

/**
 * Rules that compare the journal with itself and with the rows it is about, trusting neither: each is one statement over the viewers in
 * $1.
 */
export const journalRules: readonly Statement[] = [
  gapless,
  chained,
  balances,
  movements,
  ...(['GRANT', 'ORDER', 'REFUND', 'HOLD', 'DISPUTE'] as const).map(subject),
];
