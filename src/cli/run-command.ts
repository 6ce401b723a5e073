import { type App, openApp } from '../app.js';
import { readConfig } from '../config/config.js';
import { openDatabaseServer } from '../stores/database-server.js';
import { requireMigrated } from '../stores/migrate-at-start.js';

/** Runs a command on the same stores as the server, whether or not one is running. */
export async function withApp<Result>(work: (app: App) => Promise<Result>): Promise<Result> {
  const config = readConfig();
  const server = await openDatabaseServer(config, { share: true });
  try {
    await requireMigrated(config, server.url);
    const app = await openApp(config, server.url);
    try {
      return await work(app);
    } finally {
      await app.close();
    }
  } finally {
    await server.stop();
  }
}
