import { balanceColumns, grantColumns } from '../../stores/columns.js';
import type { Statement } from '../../stores/database.js';
import { entryColumns, movementEntry, subjectEntry } from './journal.js';

export const lockBalance: Statement = {
  name: 'ledger-lock-balance',
  text: `select ${balanceColumns} from balances where user_id = $1 for no key update`,
};

export const createBalance: Statement = {
  name: 'ledger-create-balance',
  text: `insert into balances (user_id, currency, created_at, updated_at) values ($1, $2, $3, $3) on conflict do nothing`,
};

/**
 * Every posting begins with this change of the balance, because its rows need the version that it assigns. Time never runs
 * backwards within a balance, even if a node's clock is behind: the order of versions is the order of timestamps.
 */
const changeBalance = (posted: string, held: string, { source = '', entryCount = 1 } = {}) => `
  changed as (
    update balances set
      posted = balances.posted + ${posted}, held = balances.held + ${held}, version = balances.version + 1,
      journal_sequence = balances.journal_sequence + ${entryCount}, updated_at = greatest(balances.updated_at, $2::timestamptz)
    ${source ? `from ${source}` : ''}
    where balances.user_id = $1
    returning balances.*
  )`;

const RESULT = `select ${balanceColumns} from changed`;

const entries = (...selects: string[]) => `entries as (insert into journal (${entryColumns}) ${selects.join(' union all ')})`;

const HOLD_ENTRY = `${subjectEntry({ kind: 'HOLD', row: 'subject', changesBalance: true })} from changed cross join subject`;

/** Inserts the movement described by the nine values that begin at parameter `first`. */
const movement = (id: string, amount: string, first: number) => `
  movement as (
    insert into transactions (id, user_id, amount, currency, balance_after, version, created_at, kind, counter_account,
      order_id, grant_id, refund_id, dispute_id, stripe_payment_intent_id, text_digest, actor_id)
    select ${id}, user_id, ${amount}, currency, posted, version, updated_at,
      ${Array.from({ length: 9 }, (_, index) => `$${first + index}`).join(', ')}
    from changed returning *
  )`;

/** $1 viewer, $2 now, $3 amount, $4 change of held, $5 transaction, $6..$14 the movement. */
export const postMovement: Statement = {
  name: 'ledger-post-movement',
  text: `with ${changeBalance('$3::bigint', '$4::bigint')}, ${movement('$5', '$3::bigint', 6)},
    ${entries(movementEntry())} ${RESULT}`,
};

/** $1 viewer, $2 now, $3 price, $4 spending, $5 grant, $6 version, $7 paid with, $8 price per day, $9 days, $10 from, $11 until, $12 order. */
export const postSpending: Statement = {
  name: 'ledger-post-spending',
  text: `with ${changeBalance('- $3::bigint', '0')},
    movement as (
      insert into transactions (id, user_id, kind, amount, currency, balance_after, version, counter_account, created_at, order_id, grant_id)
      select $4, user_id, 'SPENDING', - $3::bigint, currency, posted, version, 'REVENUE', updated_at, $12, $5 from changed returning *
    ),
    new_grant as (
      insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at,
        starts_at, available_until, order_id, spending_id)
      select $5, user_id, $6, 'ACTIVE', $7, $8, $9, currency, $10, $10, $11, $12, $4 from changed
    ),
    ${entries(movementEntry())} ${RESULT}`,
};

/** $1 viewer, $2 now, $3 amount, $4 hold, $5 refund, $6 expiry. */
export const placeHold: Statement = {
  name: 'ledger-place-hold',
  text: `with ${changeBalance('0', '$3::bigint')},
    subject as (
      insert into holds (id, user_id, refund_id, amount, status, created_at, expires_at)
      select $4, user_id, $5, $3::bigint, 'PENDING', updated_at, $6 from changed returning *
    ),
    ${entries(HOLD_ENTRY)} ${RESULT}`,
};

const resolveHold = (status: 'CAPTURED' | 'RELEASED') => `
  subject as (
    update holds set status = '${status}', resolved_at = $2 where refund_id = $3 and user_id = $1 and status = 'PENDING' returning *
  )`;

/** $1 viewer, $2 now, $3 refund, $4 transaction, $5.. the movement. */
export const captureHold: Statement = {
  name: 'ledger-capture-hold',
  text: `with ${resolveHold('CAPTURED')}, ${changeBalance('- subject.amount', '- subject.amount', { source: 'subject', entryCount: 2 })},
    ${movement('$4', '- (select amount from subject)', 5)},
    ${entries(movementEntry('changed.journal_sequence - 1'), `${subjectEntry({ kind: 'HOLD', row: 'subject' })} from changed cross join subject`)}
    ${RESULT}`,
};

/** $1 viewer, $2 now, $3 refund. */
export const releaseHold: Statement = {
  name: 'ledger-release-hold',
  text: `with ${resolveHold('RELEASED')}, ${changeBalance('0', '- subject.amount', { source: 'subject' })},
    ${entries(HOLD_ENTRY)} ${RESULT}`,
};

/** $1 grant, $2 status, $3 now, $4 digest of the reason, $5 actor. A null digest or actor keeps what the grant has. */
export const endGrant: Statement = {
  name: 'ledger-end-grant',
  text: `update grants as g set status = $2, ended_at = $3, text_digest = coalesce($4, text_digest), actor_id = coalesce($5, actor_id)
    where id = $1 returning ${grantColumns}`,
};
