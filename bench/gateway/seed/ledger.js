import { digestOf, entryColumns, subjectEntry } from '../../../dist/src/services/ledger/journal.js';
import { TRANSACTIONS_PER_VIEWER } from '../sizes.js';

/**
 * The 20 movements of each viewer, oldest first, over the last 500 days: adjustments, four top-ups, and three purchases from the
 * balance. Everybody stays rich, so that purchases can be measured for as long as one likes.
 */
const SPENDINGS = [3, 12, 20];
const TOP_UPS = [5, 9, 14, 17];
const FIRST_AMOUNT = 100_000_000_000;
const amounts = Array.from({ length: TRANSACTIONS_PER_VIEWER }, (_, index) => {
  const place = index + 1;
  if (place === 1) return FIRST_AMOUNT;
  if (SPENDINGS.includes(place)) return 0;
  return TOP_UPS.includes(place) ? 2_000 : place % 2 === 0 ? 150 : -150;
});
let sum = 0;
/** The balance after each movement, were it not for the purchases. */
const sums = amounts.map((amount) => (sum += amount));

/** UUIDv7, as the product makes them: the time first, then a part that makes them unique. */
const idOf = (kind) =>
  `(lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || overlay(overlay(left(md5('${kind}' || k), 20)
     placing '7' from 1) placing '8' from 5))::uuid`;

const bigints = (numbers) => `'{${numbers.join(',')}}'::bigint[]`;

/**
 * One row for each movement that there is to be, `place` by `place`, so that in the tables the viewers lie mixed, as time mixes
 * them; or only the places that are named. k numbers the movements through time.
 */
const movements = (places) => `
  (select k, place, viewer, md5('viewer ' || viewer)::uuid as user_id,
     ((select start from bench_fill) + (k - 1) * (select step from bench_fill)) as exact_at
   from (select (place - 1)::bigint * viewers + m + 1 as k, place, (m::bigint * 7919 % viewers)::int as viewer
     from (select viewers from bench_fill) f cross join unnest('{${places.join(',')}}'::int[]) place
     cross join generate_series(0, viewers - 1) m) numbered) movement
  cross join lateral (select date_trunc('milliseconds', exact_at) as at) instant`;

const all = Array.from({ length: TRANSACTIONS_PER_VIEWER }, (_, index) => index + 1);

/** Which version a viewer bought with the purchase of this number (1 to 3). */
const versionOf = (purchase) => `1 + (viewer * 31 + (${purchase}) * 17) % 100`;
const purchaseOf = `array_position('{${SPENDINGS.join(',')}}'::int[], place)`;
const spentUntil = SPENDINGS.map((place, index) => `case when place >= ${place} then prices[${versionOf(index + 1)}] else 0 end`);

const isSpending = `place = any('{${SPENDINGS.join(',')}}'::int[])`;
const isTopUp = `place = any('{${TOP_UPS.join(',')}}'::int[])`;

export const ledgerStatements = [
  `create temp table bench_versions as
     select array_agg(id order by id) as ids, array_agg(price order by id) as prices, array_agg(price_per_day order by id) as per_day,
       array_agg(duration_days order by id) as days from subscription_versions`,

  `insert into balances (user_id, currency, posted, held, version, journal_sequence, created_at, updated_at)
   select user_id, 'USD', ${sums.at(-1)} - (${spentUntil.join(' + ')}), 0, place, ${1 + SPENDINGS.length + TOP_UPS.length}, (select start from bench_fill), at
   from bench_versions, ${movements([TRANSACTIONS_PER_VIEWER])}`,

  `insert into orders (id, user_id, kind, status, amount, currency, created_at, expires_at, paid_at, return_url, stripe_session_id,
     stripe_payment_intent_id, captured_amount)
   select ${idOf('order')}, user_id, 'TOP_UP', 'PAID', 2000, 'USD', at - interval '1 minute', at + interval '1 hour', at,
     'https://example.com/account', 'cs_' || k, 'pi_' || k, 2000
   from ${movements(TOP_UPS)}`,

  `insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at, starts_at,
     available_until, ended_at, spending_id)
   select ${idOf('grant')}, user_id, ids[version], case when until <= now() then 'EXPIRED' else 'ACTIVE' end, 'BALANCE',
     per_day[version], days[version], 'USD', at, at, until, case when until <= now() then until end,
     ${idOf('transaction')}
   from bench_versions, ${movements(SPENDINGS)}
   cross join lateral (select ${versionOf(purchaseOf)} as version) bought
   cross join lateral (select at + make_interval(hours => 24 * days[version]) as until) ends`,

  `insert into transactions (id, user_id, kind, amount, currency, balance_after, version, counter_account, created_at, order_id,
     grant_id, stripe_payment_intent_id, text_digest, actor_id)
   select ${idOf('transaction')}, user_id,
     case when ${isSpending} then 'SPENDING' when ${isTopUp} then 'TOP_UP' else 'ADJUSTMENT' end,
     case when ${isSpending} then - prices[${versionOf(purchaseOf)}] else (${bigints(amounts)})[place] end,
     'USD', (${bigints(sums)})[place] - (${spentUntil.join(' + ')}), place,
     case when ${isSpending} then 'REVENUE' when ${isTopUp} then 'STRIPE' else 'ADJUSTMENT' end, at,
     case when ${isTopUp} then ${idOf('order')} end,
     case when ${isSpending} then ${idOf('grant')} end,
     case when ${isTopUp} then 'pi_' || k end,
     case when not (${isSpending} or ${isTopUp}) then 'bench'::bytea end,
     case when not (${isSpending} or ${isTopUp}) then md5('admin')::uuid end
   from bench_versions, ${movements(all)}`,
];

/** The journals, as the migration begins them; afterwards, because a trigger looks up each previous entry by the index. */
export const journalStatements = [
  'set session_replication_role = origin',
  'set enable_seqscan = off',
  `insert into journal (user_id, sequence, kind, version, posted, held, digest, created_at)
   select b.user_id, 1, 'GENESIS', b.version, b.posted, b.held,
     (select sha256(string_agg(${digestOf('MOVEMENT', 'row')}, '' order by row.version)) from transactions row where row.user_id = b.user_id),
     b.updated_at
   from balances b`,
  ...[
    { kind: 'GRANT', table: 'grants', at: 'granted_at', before: 1 },
    { kind: 'ORDER', table: 'orders', at: 'created_at', before: 1 + SPENDINGS.length },
  ].map(({ kind, table, at, before }) => {
    const sequence = `${before} + (row_number() over (partition by row.user_id order by row.${at}, row.id))::int`;
    return `insert into journal (${entryColumns})
      ${subjectEntry({ kind, row: 'row', sequence, at: `row.${at}` })} from ${table} row order by 1, 2`;
  }),
  'reset enable_seqscan',
];
