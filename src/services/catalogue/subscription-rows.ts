import { Subscription, type SubscriptionStatus } from '../../entities/subscription.js';
import { SubscriptionVersion } from '../../entities/subscription-version.js';
import { columnNames } from '../../stores/columns.js';
import { type Queryable, type Statement, statement } from '../../stores/database.js';
import { decodeCursor, type Page, pageOf } from '../pagination.js';
import type { PageRequest } from './film-rows.js';

/** A subscription with one of its versions: the current one, or the one that was sold. */
export type SubscriptionAtVersion = Subscription &
  Omit<SubscriptionVersion, keyof Subscription | 'subscriptionId'> & { readonly versionId: string };

const namesOfSubscription = columnNames(Subscription);
const namesOfVersion = [...columnNames(SubscriptionVersion)].filter(([name]) => !namesOfSubscription.has(name));

/** Its properties, and the columns of `s` and `v` that they are read from. */
const SOURCES: readonly (readonly [property: string, column: string])[] = [
  ...[...namesOfSubscription].map(([name, column]) => [name, `s.${column}`] as const),
  ['versionId', 'v.id'],
  ...namesOfVersion.flatMap(([name, column]) => (name === 'subscriptionId' ? [] : [[name, `v.${column}`] as const])),
];

const COLUMNS = SOURCES.map(([property, column]) => `${column} as "${property}"`).join(', ');

/** All of them except the description, of a row `plan`. */
const SHORT_COLUMNS = SOURCES.flatMap(([property]) => (property === 'description' ? [] : [`plan."${property}"`])).join(', ');

/** Before every subscription: no price is below 0. */
const BEFORE_THE_FIRST = [-1, '00000000-0000-0000-0000-000000000000'] as const;

const subscriptionsByIds = statement('subscriptions-by-ids')`select ${COLUMNS}
    from subscriptions s join subscription_versions v on v.id = s.current_version_id
    where s.id = any($1::uuid[])`;

const subscriptionsByVersionIds = statement('subscriptions-by-version-ids')`select ${COLUMNS}
    from subscription_versions v join subscriptions s on s.id = v.subscription_id
    where v.id = any($1::uuid[])`;

const subscriptionsByPrice = statement('subscriptions-by-price')`select ${COLUMNS}
    from subscriptions s join subscription_versions v on v.id = s.current_version_id
    where ($4::text is null or s.status = $4) and (v.price, s.id) > ($1::bigint, $2::uuid)
    order by v.price, s.id limit $3`;

const subscriptionsOfFilms: Statement = {
  name: 'subscriptions-of-films',
  // Films share plans: a description, which is long, comes once however many of the films the plan has.
  text: `select asked.id as "filmId", ${SHORT_COLUMNS},
      case when row_number() over (partition by plan.id order by asked.place) = 1 then plan.description end as description
    from unnest($1::uuid[]) with ordinality as asked(id, place)
    cross join lateral (
      select ${COLUMNS}
      from subscription_version_films vf
      join subscription_versions v on v.id = vf.version_id
      join subscriptions s on s.id = v.subscription_id and s.current_version_id = v.id
      where vf.film_id = asked.id and s.status = 'ACTIVE' and (v.price, s.id) > ($2::bigint, $3::uuid)
      order by v.price, s.id limit $4
    ) plan
    order by asked.place, plan.price, plan.id`,
};

const positionOf = (row: SubscriptionAtVersion) => [row.price, row.id];
const startOf = (after: string | null | undefined) =>
  after === null || after === undefined ? BEFORE_THE_FIRST : decodeCursor(after, ['integer', 'uuid']);

/** Subscriptions at the version that is sold or would be, in no order; ids must be UUIDs. */
export function readSubscriptionsByIds(queryable: Queryable, ids: readonly string[]): Promise<SubscriptionAtVersion[]> {
  return queryable.query<SubscriptionAtVersion>(subscriptionsByIds, [ids]);
}

/** Subscriptions as they were sold, in no order; ids must be UUIDs. */
export function readSubscriptionsByVersionIds(queryable: Queryable, ids: readonly string[]): Promise<SubscriptionAtVersion[]> {
  return queryable.query<SubscriptionAtVersion>(subscriptionsByVersionIds, [ids]);
}

/** A page in this status (null: any), cheapest first. @throws InvalidCursor */
export async function readSubscriptions(
  queryable: Queryable,
  { first, after }: PageRequest,
  status: SubscriptionStatus | null,
): Promise<Page<SubscriptionAtVersion>> {
  const [price, id] = startOf(after);
  const rows = await queryable.query<SubscriptionAtVersion>(subscriptionsByPrice, [price, id, first + 1, status]);
  return pageOf(rows, first, positionOf, after);
}

/** What is on sale with each film, cheapest first: a page for each film, in their order. @throws InvalidCursor */
export async function readSubscriptionsOfFilms(
  queryable: Queryable,
  filmIds: readonly string[],
  { first, after }: PageRequest,
): Promise<Page<SubscriptionAtVersion>[]> {
  const [price, id] = startOf(after);
  const asked = [...new Set(filmIds.map((filmId) => filmId.toLowerCase()))];
  const values = [asked, price, id, first + 1];
  const rows = await queryable.query<SubscriptionAtVersion & { filmId: string }>(subscriptionsOfFilms, values);
  const plans = new Map<string, SubscriptionAtVersion[]>(asked.map((filmId) => [filmId, []]));
  const known = new Map<string, SubscriptionAtVersion>();
  // The rows come by place, so the one with the description is the first of its plan.
  for (const { filmId, ...plan } of rows) {
    if (!known.has(plan.id)) known.set(plan.id, plan);
    plans.get(filmId)?.push(known.get(plan.id) as SubscriptionAtVersion);
  }
  return filmIds.map((filmId) => pageOf(plans.get(filmId.toLowerCase()) ?? [], first, positionOf, after));
}
