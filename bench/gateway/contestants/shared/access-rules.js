/** One statement for one film: the grant that decides, if any, and whether there is such a film. $1 viewer, $2 film. */
export const ACCESS_ONE = {
  name: 'access-one',
  text: `select known, hit.* from (select exists (select from films where id = $2) as known) film left join lateral (
      select g.status, g.available_until, g.status = 'ACTIVE' and g.available_until > now() as allowed
      from grants g join subscription_version_films vf on vf.version_id = g.version_id and vf.film_id = $2
      where g.user_id = $1
      order by 3 desc, case when g.status = 'ACTIVE' and g.available_until > now() then g.available_until end desc nulls last,
        g.granted_at desc, g.id desc
      limit 1
    ) hit on true`,
};

/** The same for many: $2 the films; rows in the order asked. */
export const ACCESS_MANY = {
  name: 'access-many',
  text: `with mine as materialized (
      select id, version_id, status, granted_at, available_until, status = 'ACTIVE' and available_until > now() as allowed
      from grants where user_id = $1
    ),
    hit as (
      select distinct on (vf.film_id) vf.film_id, g.status, g.available_until, g.allowed
      from mine g join subscription_version_films vf on vf.version_id = g.version_id and vf.film_id = any($2::uuid[])
      order by vf.film_id, g.allowed desc, case when g.allowed then g.available_until end desc nulls last, g.granted_at desc, g.id desc
    )
    select asked.id as "filmId", f.id is not null as known, hit.status, hit.available_until, hit.allowed
    from unnest($2::uuid[]) with ordinality asked(id, place) left join films f on f.id = asked.id left join hit on hit.film_id = asked.id
    order by asked.place`,
};

/** The contract's decision of a row of either. */
export function decisionOf(filmId, row) {
  const allowed = row.allowed === true;
  return { filmId, allowed, reason: reasonOf(row, allowed), availableUntil: allowed ? row.available_until.toISOString() : null };
}

function reasonOf({ known, status, available_until: until }, allowed) {
  if (allowed) return 'GRANTED';
  if (!status) return known ? 'NO_GRANT' : 'UNKNOWN_FILM';
  return status === 'ACTIVE' || (status === 'SUSPENDED' && until <= new Date()) ? 'EXPIRED' : status;
}
