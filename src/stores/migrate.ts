import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { MikroORM } from '@mikro-orm/postgresql';
import pg from 'pg';
import settings from '../../mikro-orm.config.js';
import type { Config } from '../config/config.js';
import { StartupError, unreachable } from '../runtime/startup-error.js';
import { isConnectionFault } from './database.js';
import { sessionSettings } from './session.js';

/** Held by the process that changes the schema. An arbitrary number, unique in this database. */
const SCHEMA_LOCK = 6_108_204;
/** How the reports of migrations begin. */
const PROGRESS = 'Step ';
const CONNECT_TIMEOUT_MS = 10_000;
/** No timeout for migrations, nor for waiting for the process that runs them. */
const session = sessionSettings({ statementTimeoutMs: 0 });

/** Called with the name of each migration as it begins, and with what a long one reports of its progress. */
type OnStep = (step: string) => void;
type DatabaseConfig = Pick<Config, 'databaseUrl' | 'migrateAtStart'>;

/**
 * Migrates the database at `url`, or with MIGRATE_AT_START=false only checks that no migration is missing.
 *
 * @throws StartupError when the server at DATABASE_URL cannot be used or migrations are missing; otherwise the migration's own error
 */
export async function prepareDatabase(config: DatabaseConfig, url: string): Promise<void> {
  if (config.migrateAtStart) await migrateNow(config, url);
  else await requireMigrated(config, url);
}

/** Migrates the database at `url` and returns the names of the applied migrations. @throws as prepareDatabase */
export function migrateNow(config: Pick<DatabaseConfig, 'databaseUrl'>, url: string, onStep?: OnStep): Promise<string[]> {
  return migrate(url, onStep).catch((error: unknown) => explain(config, error));
}

/** For commands, and for processes that may not change the schema. @throws as prepareDatabase */
export async function requireMigrated(config: Pick<DatabaseConfig, 'databaseUrl'>, url: string): Promise<void> {
  const pending = await pendingMigrations(url).catch((error: unknown) => explain(config, error));
  if (pending.length === 0) return;
  const first = pending.length === 1 ? pending[0] : `${pending[0]} to ${pending.at(-1)}`;
  throw new StartupError([
    `The database lacks ${pending.length} of the migrations of this version (${first}). Run npm run migrate with a role that may change its schema.`,
  ]);
}

function explain({ databaseUrl }: Pick<DatabaseConfig, 'databaseUrl'>, error: unknown): never {
  throw databaseUrl && isConnectionFault(error) ? unreachable('DATABASE_URL', databaseUrl, error) : error;
}

/**
 * Applies all pending migrations and returns their names. Processes that start at the same time wait for the first one. The database
 * must exist.
 *
 * @throws the driver's error when connecting fails (3D000: the database does not exist), or the migration's own
 */
export async function migrate(databaseUrl: string, onStep: OnStep = () => {}): Promise<string[]> {
  return withClient(databaseUrl, async (client) => {
    // The lock belongs to this connection: it is released when the process dies.
    await client.query('select pg_advisory_lock($1)', [SCHEMA_LOCK]);
    const { schema, pending } = await inspectSchema(client);
    if (pending.length === 0) return [];
    const orm = await openOrm(databaseUrl, {
      migrations: { ...settings.migrations, tableName: `${schema}.mikro_orm_migrations` },
      onStep,
    });
    orm.migrator.on('migrating', ({ name }) => onStep(name));
    try {
      const done = await orm.migrator.up();
      return done.map((migration) => migration.name);
    } finally {
      await orm.close(true);
    }
  });
}

/** The names of the pending migrations, oldest first. Reads only. @throws the driver's error, like `migrate` */
export async function pendingMigrations(databaseUrl: string): Promise<string[]> {
  return withClient(databaseUrl, async (client) => (await inspectSchema(client)).pending);
}

/** Writes a migration with the difference between the entities and the database to the sources; null if there is none. */
export async function createMigration(databaseUrl: string): Promise<string | null> {
  const folder = path.resolve('migrations');
  if (!existsSync(folder))
    throw new Error('Run this command in the project directory: the current directory has no folder "migrations".');
  // Both paths: where compiled migrations run, and where sources are written.
  const migrations = { ...settings.migrations, path: folder, pathTs: folder, emit: 'ts' as const };
  const orm = await openOrm(databaseUrl, { migrations });
  try {
    const { fileName, diff } = await orm.migrator.create();
    return diff.up.length > 0 ? fileName : null;
  } finally {
    await orm.close(true);
  }
}

/** pg parses the URL, as for every other pool, so that all interpret it the same way. */
function openOrm(
  databaseUrl: string,
  { onStep, ...options }: Pick<typeof settings, 'migrations'> & { readonly onStep?: OnStep },
): Promise<MikroORM> {
  const onConnect = async (client: pg.ClientBase) => {
    // What a migration reports with `raise notice`.
    client.on('notice', ({ message }) => message?.startsWith(PROGRESS) && onStep?.(message));
    await session(client);
  };
  const driverOptions = { connectionString: databaseUrl, application_name: 'boxoffice-migrations', onConnect };
  return MikroORM.init({ ...settings, clientUrl: databaseUrl, driverOptions, logger: () => {}, ...options });
}

async function withClient<Result>(databaseUrl: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    application_name: 'boxoffice-migrations',
    keepAlive: true,
  });
  // A connection that is lost between two queries emits an error event; the next query fails.
  client.on('error', () => {});
  try {
    await client.connect();
    await session(client);
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** The schema of the table of applied migrations, and the pending migrations. */
async function inspectSchema(client: pg.Client): Promise<{ schema: string; pending: string[] }> {
  const found = await client.query<{ schema: string | null; exists: boolean }>(
    `select coalesce(n.nspname, current_schema()) as schema, c.oid is not null as exists
     from (select to_regclass('mikro_orm_migrations') as oid) t
     left join pg_class c on c.oid = t.oid left join pg_namespace n on n.oid = c.relnamespace`,
  );
  const { schema, exists } = found.rows[0] as { schema: string | null; exists: boolean };
  if (schema === null) throw new Error('search_path contains no existing schema to create the tables in.');
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
