import type { Config } from '../config/config.js';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded-postgres/embedded-postgres.js';

/** The configured database, or the embedded one, which is started and must be stopped. */
export function openDatabaseServer(
  config: Pick<Config, 'databaseUrl' | 'dataDirectory'>,
  options: { share?: boolean } = {},
): Promise<EmbeddedPostgres> {
  if (config.databaseUrl === undefined) return startEmbeddedPostgres({ dataDirectory: config.dataDirectory, ...options });
  return Promise.resolve({ url: config.databaseUrl, stop: async () => {}, abandon: () => {} });
}
