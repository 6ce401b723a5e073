-- What a user of PostGraphile would add to this database: who asks, what belongs to whom, and the two answers that are no rows.
create function viewer_id() returns uuid language sql stable as $$ select nullif(current_setting('jwt.claims.user_id', true), '')::uuid $$;
comment on function viewer_id() is '@omit';
-- GraphQL has a root type of that name.
comment on table subscriptions is '@name plans';
comment on table grants is '@foreignKey (user_id) references balances (user_id)';
create function me() returns balances language sql stable as $$ select * from balances where user_id = viewer_id() $$;
create function subscription_versions_films_by_title(version subscription_versions) returns setof films language sql stable as $$
  select f.* from subscription_version_films vf join films f on f.id = vf.film_id where vf.version_id = version.id order by f.title, f.id $$;
create type access_decision as (film_id uuid, allowed boolean, reason text, available_until timestamptz);
create function access(film_ids uuid[]) returns setof access_decision language sql stable as $$
  with hit as (
    select distinct on (vf.film_id) vf.film_id, g.status, g.available_until,
      g.status = 'ACTIVE' and g.available_until > now() as allowed
    from grants g join subscription_version_films vf on vf.version_id = g.version_id
    where g.user_id = viewer_id() and vf.film_id = any(film_ids)
    order by vf.film_id, 4 desc, case when g.status = 'ACTIVE' and g.available_until > now() then g.available_until end desc nulls last,
      g.granted_at desc, g.id desc
  )
  select asked.id, coalesce(hit.allowed, false),
    case when hit.allowed then 'GRANTED' when hit.status is null and f.id is null then 'UNKNOWN_FILM' when hit.status is null then 'NO_GRANT'
      when hit.status = 'ACTIVE' or (hit.status = 'SUSPENDED' and hit.available_until <= now()) then 'EXPIRED' else hit.status end,
    case when hit.allowed then hit.available_until end
  from unnest(film_ids) with ordinality asked(id, place) left join films f on f.id = asked.id left join hit on hit.film_id = asked.id
  order by asked.place $$;
