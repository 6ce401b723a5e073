const instant = (column) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
const money = (amount, currency) => `json_build_object('amount', ${amount}, 'currency', ${currency})`;

/** The whole page as one JSON text. $1 viewer. */
export const PAGE_STATEMENT = {
  name: 'page',
  text: `select json_build_object(
    'balance', (select json_build_object('available', ${money('posted - held', 'currency')}, 'held', ${money('held', 'currency')},
        'version', version) from balances where user_id = $1),
    'grants', json_build_object('nodes', (
      select coalesce(json_agg(json_build_object('id', g.id, 'status', g.status, 'grantedAt', ${instant('g.granted_at')},
        'availableUntil', ${instant('g.available_until')},
        'subscription', json_build_object('id', s.id, 'title', s.title, 'version', v.version),
        'films', json_build_object('nodes', films.nodes)) order by g.granted_at desc, g.id desc), '[]')
      from (select * from grants where user_id = $1 order by granted_at desc, id desc limit 10) g
      join subscription_versions v on v.id = g.version_id join subscriptions s on s.id = v.subscription_id
      cross join lateral (
        select json_agg(json_build_object('id', id, 'title', title)) as nodes from (
          select f.id, f.title from subscription_version_films vf join films f on f.id = vf.film_id
          where vf.version_id = g.version_id order by f.title, f.id limit 20) f
      ) films)),
    'transactions', (
      select json_build_object('nodes', coalesce(json_agg(json_build_object('id', id, 'kind', kind,
          'amount', ${money('amount', 'currency')}, 'balanceAfter', ${money('balance_after', 'currency')},
          'createdAt', ${instant('created_at')}) order by t.version desc) filter (where place <= 20), '[]'),
        'pageInfo', json_build_object('hasNextPage', count(*) > 20))
      from (select *, row_number() over (order by version desc) as place from transactions where user_id = $1
        order by version desc limit 21) t)
  )::text as page`,
};
