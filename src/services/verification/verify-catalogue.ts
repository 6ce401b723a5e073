import type { Statement } from '../../stores/database.js';
import { finding } from './rule.js';

/** As the trigger `seal_version` computes it when a version is created. */
const DIGEST = `sha256(record_send(row(v.id, v.subscription_id, v.version, v.price_per_day, v.duration_days, v.price, v.currency,
  v.film_count, v.created_at)) || coalesce(films.ids, ''))`;

/**
 * Rules about what is sold, each one statement over the versions in $1. A version that was changed would change the access of
 * everyone who bought it.
 */
export const catalogueRules: readonly Statement[] = [
  {
    name: 'verify-versions-are-as-created',
    text: `with version as (
        select v.id, ${DIGEST} as digest from subscription_versions v cross join lateral (
          select string_agg(uuid_send(film_id), '' order by film_id) as ids from subscription_version_films where version_id = v.id
        ) films
        where v.id = any($1::uuid[])
      ),
      created as (
        select version_id, digest from subscription_version_digests where version_id = any($1::uuid[])
      )
      ${finding('VERSION_IS_AS_CREATED', 'null::uuid', "coalesce(encode(created.digest, 'hex'), 'a digest')", "coalesce(encode(version.digest, 'hex'), 'no version') || ' for version ' || coalesce(version.id, version_id)")}
      from version full join created on version_id = version.id where version.digest is distinct from created.digest`,
  },
  {
    name: 'verify-subscriptions-sell-their-last-version',
    text: `${finding('SUBSCRIPTION_SELLS_ITS_LAST_VERSION', 'null::uuid', "'the last version of subscription ' || s.id", "coalesce('version ' || current.version, 'none')")}
      from subscriptions s left join subscription_versions current on current.id = s.current_version_id and current.subscription_id = s.id
      where (s.current_version_id = any($1::uuid[]) or s.id in (select subscription_id from subscription_versions where id = any($1::uuid[])))
        and (current.id is null or current.version <> (select max(version) from subscription_versions where subscription_id = s.id))`,
  },
];

/** $1 versions after this one, $2 how many. Also those of which only the digest is left. */
export const pageVersions: Statement = {
  name: 'verify-page-versions',
  text: `select id from (
      (select id from subscription_versions where id > $1 order by id limit $2)
      union
      (select version_id from subscription_version_digests where version_id > $1 order by version_id limit $2)
    ) version order by id limit $2`,
};
