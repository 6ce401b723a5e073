import type { Queryable, Statement } from '../../stores/database.js';

const findOtherCurrency: Statement = {
  name: 'find-other-currency',
  text: `(select 'balances' as what, currency from balances where currency <> $1 limit 1)
    union all
    (select 'subscriptions' as what, v.currency from subscriptions s join subscription_versions v on v.id = s.current_version_id
     where s.status <> 'ARCHIVED' and v.currency <> $1 limit 1)`,
};

/**
 * A currency other than `currency` used by balances or subscriptions (except archived ones), and by which; null if there is
 * none.
 */
export async function otherCurrency(database: Queryable, currency: string): Promise<{ what: string; currency: string } | null> {
  const [found] = await database.query<{ what: string; currency: string }>(findOtherCurrency, [currency]);
  return found ?? null;
}
