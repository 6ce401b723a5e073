import type { Statement } from '../../stores/database.js';
import { finding } from './rule.js';

/** Every column that refers to a row of the same viewer, and the table of that row. */
const REFERENCES = [
  ['transactions', 'order_id', 'orders'],
  ['transactions', 'grant_id', 'grants'],
  ['transactions', 'refund_id', 'refunds'],
  ['transactions', 'dispute_id', 'disputes'],
  ['grants', 'order_id', 'orders'],
  ['grants', 'spending_id', 'transactions'],
  ['refunds', 'grant_id', 'grants'],
  ['refunds', 'transaction_id', 'transactions'],
  ['refunds', 'order_id', 'orders'],
  ['holds', 'refund_id', 'refunds'],
  ['disputes', 'order_id', 'orders'],
] as const;

/** The tables whose rows belong to viewers with a balance. */
const TABLES = ['transactions', 'holds', 'grants', 'orders', 'refunds', 'disputes', 'journal'] as const;

const references: Statement = {
  name: 'verify-references-stay-with-the-viewer',
  text: REFERENCES.map(
    ([table, column, target]) =>
      `${finding('REFERENCES_STAY_WITH_THE_VIEWER', 'r.user_id', `'${target} ' || r.${column} || ' of the same viewer, named by ${table}'`, "coalesce('of viewer ' || t.user_id, 'none')")}
      from ${table} r left join ${target} t on t.id = r.${column}
      where r.user_id = any($1::uuid[]) and r.${column} is not null and t.user_id is distinct from r.user_id`,
  ).join(' union all '),
};

const ownersHaveBalances: Statement = {
  name: 'verify-viewer-has-a-balance',
  text: `${finding('VIEWER_HAS_A_BALANCE', 'viewer.user_id', '\'a balance for its rows in \' || owned."table"', "'none'")}
    from unnest($1::uuid[]) viewer(user_id)
    cross join lateral (${TABLES.map((table) => `(select '${table}' as "table" from ${table} where user_id = viewer.user_id limit 1)`).join(' union all ')}) owned
    where not exists (select from balances where user_id = viewer.user_id)`,
};

const currencies: Statement = {
  name: 'verify-one-viewer-one-currency',
  text: ['transactions', 'orders', 'grants', 'refunds', 'disputes']
    .map(
      (table) =>
        `${finding('ONE_BALANCE_ONE_CURRENCY', 'b.user_id', 'b.currency', `r.currency || ' in ${table} ' || r.id`)}
        from balances b join ${table} r on r.user_id = b.user_id where b.user_id = any($1::uuid[]) and r.currency <> b.currency`,
    )
    .join(' union all '),
};

/** A grant's terms are its version's, except the duration of a gift. */
const terms: Statement = {
  name: 'verify-grant-has-the-terms-of-its-version',
  text: `${finding('GRANT_HAS_THE_TERMS_OF_ITS_VERSION', 'g.user_id', "coalesce(v.duration_days || ' days at ' || v.price_per_day || ' ' || v.currency, 'a version')", "g.duration_days || ' days at ' || g.price_per_day || ' ' || g.currency || ' in grant ' || g.id")}
    from grants g left join subscription_versions v on v.id = g.version_id
    where g.user_id = any($1::uuid[]) and (v.id is null or v.currency <> g.currency or v.price_per_day <> g.price_per_day
      or (g.paid_with <> 'GIFT' and v.duration_days <> g.duration_days)
      or g.available_until - g.starts_at <> make_interval(hours => 24 * g.duration_days))`,
};

const orderOfGrant: Statement = {
  name: 'verify-grant-has-its-paid-order',
  text: `${finding('GRANT_HAS_ITS_PAID_ORDER', 'g.user_id', "'order ' || g.order_id || ' PAID for its version'", "coalesce(o.kind || ' ' || o.status, 'none')")}
    from grants g left join orders o on o.id = g.order_id
    where g.user_id = any($1::uuid[]) and g.order_id is not null
      and (o.status is distinct from 'PAID' or o.kind <> 'PURCHASE' or o.version_id <> g.version_id)`,
};

const UUID = `'^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'`;
const idIn = (field: string) => `case when result ->> '${field}' ~ ${UUID} then (result ->> '${field}')::uuid end`;

/**
 * The stored answers of idempotent requests, by who made them: what they name exists, and is theirs. A purchase and a top-up are made
 * by the viewer; the others by the viewer or an admin.
 */
const answers: Statement = {
  name: 'verify-idempotency-record-names-its-result',
  text: `with record as materialized (
      select caller_id, key, operation, result, ${idIn('orderId')} as order_id, ${idIn('grantId')} as grant_id,
        ${idIn('refundId')} as refund_id, ${idIn('transactionId')} as transaction_id
      from idempotency_records where caller_id = any($1::uuid[])
    )
    ${finding('IDEMPOTENCY_RECORD_NAMES_ITS_RESULT', 'caller_id', "'a result of ' || operation || ' by this caller'", "(result - 'balance')::text || ' for key ' || key")}
    from record left join orders o on o.id = record.order_id left join grants g on g.id = record.grant_id
      left join refunds r on r.id = record.refund_id left join transactions t on t.id = record.transaction_id
    where (result ? 'orderId' and o.user_id is distinct from caller_id)
      or (result ? 'grantId' and (g.id is null or (operation = 'purchase' and g.user_id <> caller_id)))
      or (result ? 'refundId' and r.requested_by is distinct from caller_id)
      or (result ? 'transactionId' and t.actor_id is distinct from caller_id)
      or (operation in ('purchase', 'topUp') and not result ?| '{orderId,grantId}')
      or (operation = 'giftGrant' and not result ? 'grantId')
      or (operation in ('refundGrant', 'refundTransaction') and not result ? 'refundId')
      or (operation = 'adjustBalance' and not result ? 'transactionId')`,
};

/** What was verified once does not change any more, and does not become less. */
const asVerified: Statement = {
  name: 'verify-history-is-as-verified',
  text: `${finding('HISTORY_IS_AS_VERIFIED', 'v.user_id', "'entry ' || v.journal_sequence || ' as it was verified before'", "case when e.hash is null then 'no entry' else 'another entry' end")}
    from viewer_verifications v left join journal e on e.user_id = v.user_id and e.sequence = v.journal_sequence
    where v.user_id = any($1::uuid[]) and v.journal_hash is not null and e.hash is distinct from v.journal_hash`,
};

/** Rules about which rows refer to which, each one statement over the viewers in $1. */
export const referenceRules: readonly Statement[] = [
  references,
  ownersHaveBalances,
  currencies,
  terms,
  orderOfGrant,
  answers,
  asVerified,
];
