import type { Balance } from '../../entities/balance.js';
import { balanceColumns } from '../../stores/columns.js';
import type { Queryable, Statement } from '../../stores/database.js';
import { entryColumns, movementEntry, subjectEntry } from './journal.js';
import type { NewGrant } from './new-grant.js';

/**
 * A whole purchase in one statement and one round trip, deliberately outside `ledger.change`. It happens only if the version is
 * still the one on sale, the key is unused and the balance covers the price (a free plan needs no balance); otherwise no row is
 * returned and nothing has changed. When two requests with the same key race, the second violates the primary key of the
 * idempotency records, which aborts the whole statement.
 */
const purchaseFromBalance: Statement = {
  name: 'ledger-purchase-from-balance',
  text: `with offer as (
      select v.price, v.currency from subscriptions s join subscription_versions v on v.id = s.current_version_id
      where s.id = $3 and v.id = $4 and s.status = 'ACTIVE'
    ),
    changed as (
      update balances set
        posted = balances.posted - offer.price, version = balances.version + 1, journal_sequence = balances.journal_sequence + 2,
        updated_at = greatest(balances.updated_at, $2::timestamptz)
      from offer
      where balances.user_id = $1 and balances.currency = offer.currency and (balances.posted - balances.held >= offer.price or offer.price = 0)
        and not exists (select from idempotency_records where caller_id = $1 and key = $11)
      returning balances.*, offer.price
    ),
    record as (
      insert into idempotency_records (caller_id, key, operation, input_hash, result, created_at)
      select user_id, $11, 'purchase', $12,
        jsonb_build_object('grantId', $6::uuid, 'balance', jsonb_build_object('userId', user_id, 'currency', currency,
          'posted', posted, 'held', held, 'version', version, 'updatedAt', updated_at)), $2
      from changed
    ),
    movement as (
      insert into transactions (id, user_id, kind, amount, currency, balance_after, version, counter_account, created_at, grant_id)
      select $5, user_id, 'SPENDING', - price, currency, posted, version, 'REVENUE', updated_at, $6 from changed returning *
    ),
    new_grant as (
      insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at,
        starts_at, available_until, spending_id)
      select $6, user_id, $4, 'ACTIVE', 'BALANCE', $7, $8, currency, $9, $9, $10, $5 from changed returning *
    ),
    entries as (
      insert into journal (${entryColumns}) ${movementEntry('changed.journal_sequence - 1')}
      union all ${subjectEntry({ kind: 'GRANT', row: 'new_grant' })} from changed cross join new_grant
    )
    select ${balanceColumns} from changed`,
};

export interface BalancePurchase {
  readonly userId: string;
  readonly subscriptionId: string;
  readonly grant: NewGrant;
  /** The version's price, in minor units. For metrics only: the statement reads the price from the version. */
  readonly price: number;
  readonly now: Date;
  readonly idempotencyKey: string;
  readonly inputHash: string;
}

/** Returns the balance after the purchase, or null when it was not possible, with nothing changed. */
export async function postPurchaseFromBalance(database: Queryable, purchase: BalancePurchase): Promise<Balance | null> {
  const { grant } = purchase;
  const [balance] = await database.query<Balance>(purchaseFromBalance, [
    purchase.userId,
    purchase.now,
    purchase.subscriptionId,
    grant.versionId,
    grant.spendingId,
    grant.id,
    grant.pricePerDay,
    grant.durationDays,
    grant.grantedAt,
    grant.availableUntil,
    purchase.idempotencyKey,
    purchase.inputHash,
  ]);
  return balance ?? null;
}
