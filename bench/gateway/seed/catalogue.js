/** The catalogue does not grow with the data: 1,000 films, 50 subscriptions with two versions each, of 10 to 50 films. */
export const FILMS = 1_000;
export const SUBSCRIPTIONS = 50;
const VERSIONS_PER_SUBSCRIPTION = 2;

/** Ids are made from a name and a number, so that requests can be made without asking the database. */
export const catalogueStatements = [
  `insert into films (id, title, description, created_at, updated_at)
   select md5('film ' || n)::uuid, 'Film ' || lpad(n::text, 4, '0'), 'What film ' || n || ' is about, in a sentence or two.', at, at
   from generate_series(0, ${FILMS - 1}) n, (select now() - interval '600 days' as at)`,

  `insert into subscriptions (id, title, description, status, current_version_id, created_at, updated_at, stripe_product_id,
     stripe_sync_status, stripe_synced_at)
   select md5('subscription ' || n)::uuid, 'Plan ' || n, 'The films of plan ' || n || '.', 'ACTIVE',
     md5('version ' || n || ' ${VERSIONS_PER_SUBSCRIPTION}')::uuid, at, at, 'prod_' || n, 'SYNCED', at
   from generate_series(0, ${SUBSCRIPTIONS - 1}) n, (select now() - interval '590 days' as at)`,

  `insert into subscription_versions (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count,
     created_at, stripe_price_id)
   select md5('version ' || n || ' ' || version)::uuid, md5('subscription ' || n)::uuid, version, per_day, days, per_day * days, 'USD',
     10 + (n * 7 + version * 3) % 41, now() - interval '590 days', 'price_' || n || '_' || version
   from generate_series(0, ${SUBSCRIPTIONS - 1}) n, generate_series(1, ${VERSIONS_PER_SUBSCRIPTION}) version,
     lateral (select 10 + (n * 3 + version) % 40 * 5 as per_day, (array[30, 90, 365])[1 + n % 3] as days)`,

  // 7 and ${FILMS} have no common divisor: no film comes twice into a version.
  `insert into subscription_version_films (version_id, film_id)
   select v.id, md5('film ' || (s.n * 97 + v.version * 11 + place * 7) % ${FILMS})::uuid
   from generate_series(0, ${SUBSCRIPTIONS - 1}) s(n)
   join subscription_versions v on v.subscription_id = md5('subscription ' || s.n)::uuid
   cross join lateral generate_series(1, v.film_count) place`,
];
