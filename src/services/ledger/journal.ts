import type { JournalKind } from '../../entities/journal-entry.js';
import { balanceColumns } from '../../stores/columns.js';
import type { Statement } from '../../stores/database.js';

/** What can change of a viewer besides the balance, each the row of a table. */
export type Subject = Exclude<JournalKind, 'GENESIS' | 'MOVEMENT'>;

interface Form {
  readonly table: string;
  /** The columns that the digest covers, in this order. Never text that a person wrote: it must stay erasable. */
  readonly facts: readonly string[];
  /** What readers of the entry see, by name. */
  readonly state: Readonly<Record<string, string>>;
}

const milliseconds = (column: string) => `(extract(epoch from row.${column}) * 1000)::bigint`;

/**
 * Form 1 of the journal's entries (docs/journal.md). Entries that were written must be provable for ever, so any change here is
 * another form, with another number in the trigger `journal_seal`.
 */
const FORMS: Readonly<Record<Subject | 'MOVEMENT', Form>> = {
  MOVEMENT: {
    table: 'transactions',
    facts: [
      ...['id', 'user_id', 'kind', 'amount', 'currency', 'balance_after', 'version', 'counter_account', 'created_at'],
      ...['order_id', 'grant_id', 'refund_id', 'dispute_id', 'stripe_payment_intent_id', 'actor_id', 'text_digest'],
    ],
    state: {},
  },
  HOLD: {
    table: 'holds',
    facts: ['id', 'user_id', 'refund_id', 'amount', 'status', 'created_at', 'expires_at', 'resolved_at'],
    state: { status: 'row.status', amount: 'row.amount' },
  },
  GRANT: {
    table: 'grants',
    facts: [
      ...['id', 'user_id', 'version_id', 'status', 'paid_with', 'price_per_day', 'duration_days', 'currency', 'granted_at'],
      ...['starts_at', 'available_until', 'ended_at', 'order_id', 'spending_id', 'actor_id', 'text_digest'],
    ],
    state: {
      status: 'row.status',
      startsAt: milliseconds('starts_at'),
      availableUntil: milliseconds('available_until'),
      endedAt: milliseconds('ended_at'),
    },
  },
  ORDER: {
    table: 'orders',
    facts: [
      ...['id', 'user_id', 'kind', 'status', 'amount', 'currency', 'version_id', 'created_at', 'paid_at', 'closed_at'],
      ...['stripe_payment_intent_id', 'captured_amount'],
    ],
    state: { status: 'row.status', capturedAmount: 'row.captured_amount' },
  },
  REFUND: {
    table: 'refunds',
    facts: [
      ...['id', 'user_id', 'origin', 'destination', 'status', 'amount', 'currency', 'unused_days', 'grant_id', 'transaction_id'],
      ...['order_id', 'stripe_refund_id', 'requested_by', 'created_at', 'completed_at'],
    ],
    state: { status: 'row.status' },
  },
  DISPUTE: {
    table: 'disputes',
    facts: [
      ...['id', 'user_id', 'order_id', 'stripe_dispute_id', 'amount', 'currency', 'outcome', 'funds', 'withdrawn', 'reinstated'],
      ...['movements', 'reason', 'created_at'],
    ],
    state: { outcome: 'row.outcome', funds: 'row.funds', withdrawn: 'row.withdrawn', reinstated: 'row.reinstated' },
  },
};

/** The table with the subjects of these entries. */
export const tableOf = (kind: Subject | 'MOVEMENT'): string => FORMS[kind].table;

/** SQL: the digest of the row called `row`, SHA-256 of its facts in Postgres' binary format of a record. */
export const digestOf = (kind: Subject | 'MOVEMENT', row: string): string =>
  `sha256(record_send(row(${FORMS[kind].facts.map((column) => `${row}.${column}`).join(', ')})))`;

/** SQL: the entry in the row `row` as it is hashed after the hash of the previous entry, in Postgres' binary format of a record. */
export const entryForm = (row: string): string =>
  `record_send(row(${[
    'form',
    'user_id',
    'sequence',
    'kind',
    'subject_id',
    'version',
    'posted',
    'held',
    'state',
    'digest',
    'actor_id',
    'created_at',
  ]
    .map((column) => `${row}.${column}`)
    .join(', ')}))`;

const stateOf = (kind: Subject, row: string): string =>
  `jsonb_build_object(${Object.entries(FORMS[kind].state)
    .map(([name, value]) => `'${name}', ${value.replace('row.', `${row}.`)}`)
    .join(', ')})`;

/** The columns of the selects below: `insert into journal (${entryColumns}) select …`. The rest is computed by a trigger. */
export const entryColumns = 'user_id, sequence, kind, subject_id, state, digest, actor_id, created_at, version, posted, held';

const BALANCE = 'changed.version, changed.posted, changed.held';
const NO_BALANCE = 'null::int, null::bigint, null::bigint';

/** SQL: selects the entry of the row `movement`, which made the row `changed` of balances what it is. */
export const movementEntry = (sequence = 'changed.journal_sequence'): string =>
  `select changed.user_id, ${sequence}, 'MOVEMENT', movement.id, null::jsonb, ${digestOf('MOVEMENT', 'movement')},
    movement.actor_id, changed.updated_at, ${BALANCE} from changed cross join movement`;

interface SubjectEntry {
  readonly kind: Subject;
  /** The row of the subject, as the change left it. */
  readonly row: string;
  /** SQL: the number of the entry, its time and who made the change. */
  readonly sequence?: string;
  readonly at?: string;
  readonly actor?: string;
  /** Whether it changed the row `changed` of balances. */
  readonly changesBalance?: boolean;
}

/** SQL: selects the entry of a subject; without a `from`. */
export const subjectEntry = ({ kind, row, changesBalance = false, ...entry }: SubjectEntry): string => {
  const { sequence = 'changed.journal_sequence', at = 'changed.updated_at', actor = 'null::uuid' } = entry;
  return `select ${row}.user_id, ${sequence}, '${kind}', ${row}.id, ${stateOf(kind, row)}, ${digestOf(kind, row)}, ${actor}, ${at},
    ${changesBalance ? BALANCE : NO_BALANCE}`;
};

/** The most entries of one statement: each sequence of kinds is a prepared statement of its own. */
export const MAX_ENTRIES = 3;

/**
 * Writes an entry for each of these subjects, as earlier statements of the transaction left them, and returns the balance. $1 viewer,
 * $2 now, $3 actor, $4.. their ids.
 */
export function writeEntries(kinds: readonly Subject[]): Statement {
  const entries = kinds.map((kind, index) => {
    const row = `s${index}`;
    const sequence = `changed.journal_sequence - ${kinds.length - 1 - index}`;
    const entry = subjectEntry({ kind, row, sequence, at: 'greatest(changed.updated_at, $2::timestamptz)', actor: '$3::uuid' });
    return `${entry} from changed join ${tableOf(kind)} ${row} on ${row}.id = $${index + 4} and ${row}.user_id = $1`;
  });
  return {
    name: `ledger-journal-${kinds.join('-').toLowerCase()}`,
    text: `with changed as (
        update balances set journal_sequence = journal_sequence + ${kinds.length} where user_id = $1 returning *
      ),
      entries as (
        insert into journal (${entryColumns}) ${entries.join(' union all ')} returning 1
      )
      select ${balanceColumns} from changed where (select count(*) from entries) = ${kinds.length}`,
  };
}
