import type { Config } from '../config/config.js';
import { StartupError, unreachable } from '../runtime/startup-error.js';
import { isConnectionFault } from './database.js';
import { migrate, pendingMigrations } from './migrate.js';

type Settings = Pick<Config, 'databaseUrl' | 'migrateAtStart'>;

/**
 * Migrates the database at `url`, or with MIGRATE_AT_START=false only checks that no migration is missing.
 *
 * @throws StartupError when the server at DATABASE_URL cannot be used or migrations are missing; otherwise the migration's own error
 */
export async function prepareDatabase(settings: Settings, url: string): Promise<void> {
  if (settings.migrateAtStart) await migrateNow(settings, url);
  else await requireMigrated(settings, url);
}

/** Migrates the database at `url` and returns the names of the applied migrations. @throws as prepareDatabase */
export function migrateNow(settings: Pick<Settings, 'databaseUrl'>, url: string): Promise<string[]> {
  return migrate(url).catch((error: unknown) => explain(settings, error));
}

/** For commands, and for processes that may not change the schema. @throws as prepareDatabase */
export async function requireMigrated(settings: Pick<Settings, 'databaseUrl'>, url: string): Promise<void> {
  const pending = await pendingMigrations(url).catch((error: unknown) => explain(settings, error));
  if (pending.length === 0) return;
  const first = pending.length === 1 ? pending[0] : `${pending[0]} to ${pending.at(-1)}`;
  throw new StartupError([
    `The database lacks ${pending.length} of the migrations of this version (${first}). Run npm run migrate with a role that may change its schema.`,
  ]);
}

function explain({ databaseUrl }: Pick<Settings, 'databaseUrl'>, error: unknown): never {
  throw databaseUrl && isConnectionFault(error) ? unreachable('DATABASE_URL', databaseUrl, error) : error;
}
