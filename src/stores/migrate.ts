import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import settings from '../../mikro-orm.config.js';
import { sessionSettings } from './session.js';

/** Held while the schema is changed, by one process at a time. Any number that nothing else in this database locks. */
const SCHEMA_LOCK = 6_108_204;
const CONNECT_TIMEOUT_MS = 10_000;
/** Migrations may take as long as they take; waiting for the process that runs them too. */
const session = sessionSettings({ statementTimeoutMs: 0 });

/**
 * Brings the database to the newest migration and returns the names of those that ran. Processes that start together wait for the
 * one that came first. The database must exist.
 *
 * @throws the driver's error when it cannot be connected to (3D000: it does not exist), or the migration's own.
 */
export async function migrate(databaseUrl: string): Promise<string[]> {
  return withClient(databaseUrl, async (client) => {
    // The lock belongs to this connection: it is released when the process dies.
    await client.query('select pg_advisory_lock($1)', [SCHEMA_LOCK]);
    const { schema, pending } = await lookAtSchema(client);
    if (pending.length === 0) return [];
    const orm = await openOrm(databaseUrl, {
      migrations: { ...settings.migrations, tableName: `${schema}.mikro_orm_migrations` },
    });
    try {
      const done = await orm.migrator.up();
      return done.map((migration) => migration.name);
    } finally {
      await orm.close(true);
    }
  });
}

/** The names of the migrations that the database lacks, oldest first. Reads only. @throws the driver's error as `migrate`. */
export async function pendingMigrations(databaseUrl: string): Promise<string[]> {
  return withClient(databaseUrl, async (client) => (await lookAtSchema(client)).pending);
}

/** Writes a migration of what the entities have and the database lacks into the sources; null when they agree. */
export async function createMigration(databaseUrl: string): Promise<string | null> {
  const folder = path.resolve('migrations');
  if (!existsSync(folder)) throw new Error('Run this in the project: there is no folder "migrations" here.');
  // Both paths: one for what is compiled, where it runs, and one for where sources are written.
  const migrations = { ...settings.migrations, path: folder, pathTs: folder, emit: 'ts' as const };
  const orm = await openOrm(databaseUrl, { migrations });
  try {
    const { fileName, diff } = await orm.migrator.create();
    return diff.up.length > 0 ? fileName : null;
  } finally {
    await orm.close(true);
  }
}

/** The URL is read by pg, as for every other pool, so that all agree on what it says. */
function openOrm(databaseUrl: string, options: Pick<typeof settings, 'migrations'>): Promise<MikroORM> {
  const driverOptions = { connectionString: databaseUrl, application_name: 'boxoffice-migrations', onConnect: session };
  return MikroORM.init({ ...settings, clientUrl: databaseUrl, driverOptions, logger: () => {}, ...options });
}

async function withClient<Result>(databaseUrl: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'boxoffice-migrations',
    keepAlive: true,
  });
  // A connection that breaks between two queries reports it by an event; the next query fails.
  client.on('error', () => {});
  try {
    await client.connect();
    await session(client);
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** Where the list of migrations is, or will be, and which ones it lacks. */
async function lookAtSchema(client: pg.Client): Promise<{ schema: string; pending: string[] }> {
  const found = await client.query<{ schema: string | null; exists: boolean }>(
    `select coalesce(n.nspname, current_schema()) as schema, c.oid is not null as exists
     from (select to_regclass('mikro_orm_migrations') as oid) t
     left join pg_class c on c.oid = t.oid left join pg_namespace n on n.oid = c.relnamespace`,
  );
  const { schema, exists } = found.rows[0] as { schema: string | null; exists: boolean };
  if (schema === null) throw new Error('search_path names no schema that exists: there is no place for the tables.');
  const done = exists ? (await client.query<{ name: string }>('select name from mikro_orm_migrations')).rows : [];
  const known = new Set(done.map(({ name }) => name.replace(/\.[jt]s$/, '')));
  return { schema, pending: migrationNames().filter((name) => !known.has(name)) };
}

function migrationNames(): string[] {
  const names = readdirSync(settings.migrations?.path as string).flatMap(
    (file) => /^(Migration\d+)\.[jt]s$/.exec(file)?.[1] ?? [],
  );
  return [...new Set(names)].sort();
}
