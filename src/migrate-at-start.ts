import type { Config } from './config.js';
import { unreachable } from './start-fault.js';
import { isConnectionFault } from './stores/database.js';
import { migrate } from './stores/migrate.js';

/**
 * Brings the database at `url` to the newest migration; gives back the names of those that ran. Ends in StartFault when the
 * server of DATABASE_URL is what cannot be used, else in the migration's own error.
 */
export async function migrateAtStart({ databaseUrl }: Pick<Config, 'databaseUrl'>, url: string): Promise<string[]> {
  try {
    return await migrate(url);
  } catch (error) {
    throw databaseUrl && isConnectionFault(error) ? unreachable('DATABASE_URL', databaseUrl, error) : error;
  }
}
