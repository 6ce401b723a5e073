import type { Damage } from './ledger-damage.js';

const grantWhere = (condition: string) => `where id = (select id from grants where ${condition} order by id limit 1)`;
const recordOf = (operation: string) =>
  `where (caller_id, key) = (select caller_id, key from idempotency_records where operation = '${operation}' order by key limit 1)`;
const points = (operation: string, field: string) => () => [
  `update idempotency_records set result = jsonb_set(result, '{${field}}', to_jsonb(gen_random_uuid())) ${recordOf(operation)}`,
];
const NAMES_ITS_RESULT = ['IDEMPOTENCY_RECORD_NAMES_ITS_RESULT'];
const version = (condition = 'true') =>
  `where id = (select version_id from grants where ${condition} and price_per_day > 0 order by id limit 1)`;
const filmOf = (versions: string) =>
  `where (version_id, film_id) = (select version_id, film_id from subscription_version_films ${versions.replace('where id', 'where version_id')} limit 1)`;

/** Kinds of damage to what refers to what: rows of nobody, of others, and of what is sold. */
export const REFERENCE_DAMAGE: readonly Damage[] = [
  [
    'a balance that vanished',
    ({ poor }) => [`delete from balances where user_id = '${poor}'`],
    ['ACCOUNTS_SUM_TO_ZERO', 'VIEWER_HAS_A_BALANCE'],
  ],
  [
    'a gift to somebody who has no balance',
    ({ stranger }) => [
      `insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at, starts_at,
         available_until, text_digest, actor_id)
       select gen_random_uuid(), '${stranger}', version_id, 'ACTIVE', 'GIFT', price_per_day, duration_days, currency, granted_at, starts_at,
         available_until, 'none', '${stranger}' from grants where paid_with = 'GIFT'`,
    ],
    ['VIEWER_HAS_A_BALANCE'],
  ],
  [
    'everything of a viewer gone at once',
    ({ poor }) =>
      ['journal', 'transactions', 'holds', 'refunds', 'orders', 'balances', 'idempotency_records'].map(
        (table) => `delete from ${table} where ${table === 'idempotency_records' ? 'caller_id' : 'user_id'} = '${poor}'`,
      ),
    ['HISTORY_IS_AS_VERIFIED', 'IDEMPOTENCY_RECORD_NAMES_ITS_RESULT'],
  ],
  [
    'a viewer put back to what they were before, with the journal',
    ({ poor }) => [
      `delete from journal where user_id = '${poor}' and sequence > 1`,
      ...['transactions', 'holds', 'refunds', 'orders', 'idempotency_records'].map((table) =>
        table === 'idempotency_records'
          ? `delete from ${table} where caller_id = '${poor}'`
          : `delete from ${table} where user_id = '${poor}'${table === 'transactions' ? ' and version > 1' : ''}`,
      ),
      `update balances set (posted, held, version, journal_sequence) = (300, 0, 1, 1) where user_id = '${poor}'`,
    ],
    ['HISTORY_IS_AS_VERIFIED'],
  ],
  ['a purchase whose stored answer names no order', points('purchase', 'orderId'), NAMES_ITS_RESULT],
  ['a top-up whose stored answer names no order', points('topUp', 'orderId'), NAMES_ITS_RESULT],
  ['a gift whose stored answer names no grant', points('giftGrant', 'grantId'), NAMES_ITS_RESULT],
  ['a refund of a grant whose stored answer names no refund', points('refundGrant', 'refundId'), NAMES_ITS_RESULT],
  ['a refund of a top-up whose stored answer names no refund', points('refundTransaction', 'refundId'), NAMES_ITS_RESULT],
  ['an adjustment whose stored answer names no transaction', points('adjustBalance', 'transactionId'), NAMES_ITS_RESULT],
  [
    'a stored answer that names nothing',
    () => [`update idempotency_records set result = '{}' ${recordOf('adjustBalance')}`],
    NAMES_ITS_RESULT,
  ],
  [
    'a top-up whose stored answer names the order of somebody else',
    ({ viewer, poor }) => [
      `update idempotency_records set result = jsonb_build_object('orderId', (select id from orders where user_id = '${viewer}' limit 1))
       where (caller_id, key) = (select caller_id, key from idempotency_records where caller_id = '${poor}' and operation = 'topUp' order by key limit 1)`,
    ],
    NAMES_ITS_RESULT,
  ],
  [
    "a refund of somebody else's grant",
    ({ viewer, poor }) => [
      `update refunds set user_id = '${poor}' where id = (select id from refunds where user_id = '${viewer}' and destination = 'BALANCE' order by id limit 1)`,
    ],
    ['REFERENCES_STAY_WITH_THE_VIEWER'],
  ],
  [
    "a dispute of somebody else's order",
    ({ poor }) => [`update disputes set user_id = '${poor}' where outcome = 'OPEN'`],
    ['REFERENCES_STAY_WITH_THE_VIEWER'],
  ],
  [
    'an adjustment moved to another viewer',
    ({ viewer, chargedBack }) => [
      `update transactions set user_id = '${chargedBack}', version = 1000 where user_id = '${viewer}' and kind = 'ADJUSTMENT'`,
    ],
    ['BALANCE_IS_SUM_OF_TRANSACTIONS', 'TRANSACTIONS_FORM_A_CHAIN', 'VERSION_COVERS_ALL_TRANSACTIONS'],
  ],
  [
    'an order in another currency',
    ({ poor }) => [`update orders set currency = 'EUR' where user_id = '${poor}' and amount = 600`],
    ['ONE_BALANCE_ONE_CURRENCY'],
  ],
  [
    'a balance in another currency',
    ({ poor }) => [`update balances set currency = 'EUR' where user_id = '${poor}'`],
    ['ACCOUNTS_SUM_TO_ZERO', 'ONE_BALANCE_ONE_CURRENCY'],
  ],
  [
    'a grant of a plan that costs more',
    () => [
      `update grants set version_id = (select id from subscription_versions where price_per_day = 90)
       ${grantWhere("paid_with = 'BALANCE' and price_per_day = 100")}`,
    ],
    ['GRANT_HAS_ITS_SPENDING', 'GRANT_HAS_THE_TERMS_OF_ITS_VERSION'],
  ],
  [
    'a grant of twice as many days',
    () => [
      `update grants set duration_days = 20, available_until = starts_at + interval '20 days'
       ${grantWhere("paid_with = 'BALANCE' and price_per_day = 100")}`,
    ],
    ['GRANT_HAS_THE_TERMS_OF_ITS_VERSION'],
  ],
  [
    'a gift that lasts longer than its days',
    () => [`update grants set available_until = available_until + interval '1 day' where paid_with = 'GIFT'`],
    ['GRANT_HAS_THE_TERMS_OF_ITS_VERSION'],
  ],
  [
    'a grant whose order was for another plan',
    () => [
      `update orders set version_id = (select id from subscription_versions where price_per_day = 90)
       where id = (select order_id from grants ${grantWhere("paid_with = 'CARD' and price_per_day = 100")})`,
    ],
    ['GRANT_HAS_ITS_PAID_ORDER'],
  ],
  [
    'a version that costs less',
    () => [`update subscription_versions set price = price - 10, price_per_day = price_per_day - 1 ${version()}`],
    ['GRANT_HAS_ITS_SPENDING', 'GRANT_HAS_THE_TERMS_OF_ITS_VERSION', 'VERSION_IS_AS_CREATED'],
  ],
  [
    'a version whose total price no longer is what its buyers paid',
    () => [`update subscription_versions set price = price + 1 ${version()}`],
    ['GRANT_HAS_ITS_SPENDING', 'VERSION_IS_AS_CREATED'],
  ],
  [
    'a version with a film less',
    () => [`delete from subscription_version_films ${filmOf(version())}`],
    ['VERSION_IS_AS_CREATED'],
  ],
  [
    'a version with another film instead',
    () => [
      `update subscription_version_films set film_id = (select id from films order by id desc limit 1) ${filmOf(version())}`,
    ],
    ['VERSION_IS_AS_CREATED'],
  ],
  [
    'a version with a film more, counted',
    () => [
      `insert into subscription_version_films (version_id, film_id)
       select v.id, gen_random_uuid() from subscription_versions v ${version()}`,
      `update subscription_versions set film_count = film_count + 1 ${version()}`,
    ],
    ['VERSION_IS_AS_CREATED'],
  ],
  [
    'a version that vanished',
    () => [`delete from subscription_versions ${version()}`],
    [
      'GRANT_HAS_ITS_SPENDING',
      'GRANT_HAS_THE_TERMS_OF_ITS_VERSION',
      'SUBSCRIPTION_SELLS_ITS_LAST_VERSION',
      'VERSION_IS_AS_CREATED',
    ],
  ],
  [
    'a version without its digest',
    () => [`delete from subscription_version_digests ${version().replace('where id', 'where version_id')}`],
    ['VERSION_IS_AS_CREATED'],
  ],
  [
    "a subscription that sells another subscription's version",
    () => [
      `update subscriptions set current_version_id = (select id from subscription_versions where price_per_day = 90)
       where current_version_id = (select version_id from grants where paid_with = 'GIFT')`,
    ],
    ['SUBSCRIPTION_SELLS_ITS_LAST_VERSION'],
  ],
];
