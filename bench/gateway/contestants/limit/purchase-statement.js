/**
 * The durable work of a purchase from the balance, in one statement: the current offer, the balance if it covers it, the key,
 * the movement, the grant and the journal entries of both. $1 viewer, $2 subscription, $3 key. No row: it could not be.
 */
export const PURCHASE_STATEMENT = {
  name: 'purchase',
  text: `with offer as (
      select v.id as version_id, v.price, v.currency, v.price_per_day, v.duration_days, uuidv7() as grant_id, uuidv7() as spending_id,
        date_trunc('milliseconds', now()) as at
      from subscriptions s join subscription_versions v on v.id = s.current_version_id where s.id = $2 and s.status = 'ACTIVE'
    ),
    changed as (
      update balances b set posted = b.posted - offer.price, version = b.version + 1, journal_sequence = b.journal_sequence + 2,
        updated_at = greatest(b.updated_at, offer.at)
      from offer where b.user_id = $1 and b.currency = offer.currency and b.posted - b.held >= offer.price
      returning b.user_id, b.posted, b.held, b.version, b.journal_sequence, b.updated_at, offer.*
    ),
    record as (
      insert into idempotency_records (caller_id, key, operation, input_hash, result, created_at)
      select user_id, $3, 'purchase', md5($2::text), jsonb_build_object('grantId', grant_id), at from changed
    ),
    movement as (
      insert into transactions (id, user_id, kind, amount, currency, balance_after, version, counter_account, created_at, grant_id)
      select spending_id, user_id, 'SPENDING', - price, currency, posted, version, 'REVENUE', updated_at, grant_id from changed
    ),
    new_grant as (
      insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at, starts_at,
        available_until, spending_id)
      select grant_id, user_id, version_id, 'ACTIVE', 'BALANCE', price_per_day, duration_days, currency, at, at,
        at + make_interval(hours => 24 * duration_days), spending_id from changed
    ),
    entries as (
      insert into journal (user_id, sequence, kind, subject_id, version, posted, held, digest, created_at)
      select user_id, journal_sequence - 1, 'MOVEMENT', spending_id, version, posted, held, ''::bytea, updated_at from changed
      union all select user_id, journal_sequence, 'GRANT', grant_id, null, null, null, ''::bytea, updated_at from changed
    )
    select grant_id as "grantId", at + make_interval(hours => 24 * duration_days) as "availableUntil", version,
      (posted - held)::float8 as available, currency from changed`,
};
