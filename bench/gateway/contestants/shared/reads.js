import pg from 'pg';
import { ACCESS_MANY, ACCESS_ONE, decisionOf } from './access-rules.js';

/**
 * Hand-written reads of the peers: one named prepared statement for each kind of thing, for many keys at once, on a pool of as many
 * connections as the product's.
 */
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
// Without it Postgres plans statements with arrays again each time: a third of a millisecond.
const pool = new pg.Pool({
  connectionString: process.env.DATABASE_URL,
  max: 8,
  options: '-c timezone=UTC -c plan_cache_mode=force_generic_plan',
});

export const run = async (statement, values) => (await pool.query({ ...statement, values })).rows;

const BALANCES = {
  name: 'balances',
  text: 'select user_id, currency, posted, held, version from balances where user_id = any($1::uuid[])',
};

const GRANTS = {
  name: 'grants',
  text: `select g.* from unnest($1::uuid[]) viewer(id) cross join lateral (
      select id, user_id, version_id, status, granted_at as "grantedAt", available_until as "availableUntil" from grants
      where user_id = viewer.id order by granted_at desc, id desc limit $2) g`,
};

const TRANSACTIONS = {
  name: 'transactions',
  text: `select t.* from unnest($1::uuid[]) viewer(id) cross join lateral (
      select id, user_id, kind, amount, balance_after, currency, created_at as "createdAt" from transactions
      where user_id = viewer.id order by version desc limit $2) t`,
};

const SUBSCRIPTIONS = {
  name: 'subscriptions',
  text: `select v.id as version_id, s.id, s.title, v.version from subscription_versions v join subscriptions s on s.id = v.subscription_id
    where v.id = any($1::uuid[])`,
};

const FILMS = {
  name: 'films',
  text: `select asked.id as version_id, f.* from unnest($1::uuid[]) asked(id) cross join lateral (
      select f.id, f.title from subscription_version_films vf join films f on f.id = vf.film_id
      where vf.version_id = asked.id order by f.title, f.id limit $2) f`,
};

const money = (amount, currency) => ({ amount, currency });

function grouped(rows, key, ids) {
  const groups = new Map(ids.map((id) => [id, []]));
  for (const row of rows) groups.get(row[key]).push(row);
  return ids.map((id) => groups.get(id));
}

export async function balances(userIds) {
  const rows = await run(BALANCES, [userIds]);
  const byUser = new Map(rows.map((row) => [row.user_id, row]));
  return userIds.map((id) => {
    const { posted, held, version, currency } = byUser.get(id);
    return { available: money(posted - held, currency), held: money(held, currency), version };
  });
}

export async function grants(userIds, first) {
  return grouped(await run(GRANTS, [userIds, first]), 'user_id', userIds).map((nodes) => ({ nodes }));
}

export async function transactions(userIds, first) {
  return grouped(await run(TRANSACTIONS, [userIds, first + 1]), 'user_id', userIds).map((rows) => ({
    nodes: rows.slice(0, first).map((row) => ({
      id: row.id,
      kind: row.kind,
      amount: money(row.amount, row.currency),
      balanceAfter: money(row.balance_after, row.currency),
      createdAt: row.createdAt,
    })),
    pageInfo: { hasNextPage: rows.length > first },
  }));
}

export async function subscriptions(versionIds) {
  const rows = await run(SUBSCRIPTIONS, [[...new Set(versionIds)]]);
  const byVersion = new Map(rows.map((row) => [row.version_id, row]));
  return versionIds.map((id) => byVersion.get(id));
}

export async function films(versionIds, first) {
  const unique = [...new Set(versionIds)];
  const lists = grouped(await run(FILMS, [unique, first]), 'version_id', unique);
  const byVersion = new Map(unique.map((id, index) => [id, { nodes: lists[index] }]));
  return versionIds.map((id) => byVersion.get(id));
}

/** A look-up: one statement for one film. */
export async function accessToOne(viewer, filmId) {
  return decisionOf(filmId, (await run(ACCESS_ONE, [viewer, filmId]))[0]);
}

/** One statement for all films. */
export async function accessToMany(viewer, filmIds) {
  return (await run(ACCESS_MANY, [viewer, filmIds])).map((row) => decisionOf(row.filmId, row));
}
