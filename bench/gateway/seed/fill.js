import pg from 'pg';
import { TRANSACTIONS_PER_VIEWER, VIEWERS } from '../sizes.js';
import { catalogueStatements } from './catalogue.js';
import { journalStatements, ledgerStatements } from './ledger.js';

const SPAN = "interval '500 days'";
const TABLES = ['balances', 'orders', 'grants', 'transactions'];

/**
 * Fills a migrated, empty database with the viewers, grants and transactions of a size: all inside Postgres. Triggers and foreign
 * keys are off meanwhile and indexes are made afterwards; making the keys again checks every row.
 */
export async function fill(url, size, log = () => {}) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`set session_replication_role = replica; set synchronous_commit = off; set statement_timeout = 0;
      set maintenance_work_mem = '512MB'; set work_mem = '256MB'; set timezone = 'UTC'`);
    const viewers = VIEWERS[size];
    await client.query(`create temp table bench_fill as
      select ${viewers}::int as viewers, date_trunc('milliseconds', now() - ${SPAN}) as start,
        ${SPAN} / ${viewers * TRANSACTIONS_PER_VIEWER}::float8 as step`);
    const dropped = await dropIndexes(client);
    for (const statement of [...catalogueStatements, ...ledgerStatements]) await timed(client, statement, log);
    for (const statement of dropped) await timed(client, statement, log);
    for (const statement of journalStatements) await timed(client, statement, log);
    await timed(client, 'vacuum (analyze)', log);
    await timed(client, 'checkpoint', log);
  } finally {
    await client.end();
  }
}

/** Drops foreign keys, keys and indexes of the large tables; returns the statements that make them again. */
async function dropIndexes(client) {
  const { rows: constraints } = await client.query(
    `select conrelid::regclass::text as "table", quote_ident(conname) as name, contype as type, pg_get_constraintdef(oid) as definition
     from pg_constraint where contype in ('f', 'p', 'u')
       and (conrelid = any($1::regclass[]) or confrelid = any($1::regclass[]))
     order by contype = 'f' desc`,
    [TABLES],
  );
  const { rows: indexes } = await client.query(
    `select i.indexrelid::regclass::text as name, pg_get_indexdef(i.indexrelid) as definition from pg_index i
     where i.indrelid = any($1::regclass[]) and not exists (select from pg_constraint where conindid = i.indexrelid)`,
    [TABLES],
  );
  for (const { table, name } of constraints) await client.query(`alter table ${table} drop constraint ${name}`);
  for (const { name } of indexes) await client.query(`drop index ${name}`);
  const again = ({ table, name, definition }) => `alter table ${table} add constraint ${name} ${definition}`;
  return [
    ...constraints.filter(({ type }) => type !== 'f').map(again),
    ...indexes.map(({ definition }) => definition),
    ...constraints.filter(({ type }) => type === 'f').map(again),
  ];
}

async function timed(client, statement, log) {
  const begin = performance.now();
  const { rowCount } = await client.query(statement);
  const seconds = (performance.now() - begin) / 1_000;
  const words = statement.trim().split(/\s+/);
  const what = words[0] === 'alter' ? `${words.slice(2, 6).join(' ')}` : words.slice(0, 5).join(' ');
  if (seconds > 0.5) log(`  ${what}${rowCount ? ` (${rowCount.toLocaleString('en')} rows)` : ''}: ${seconds.toFixed(1)} s`);
}
