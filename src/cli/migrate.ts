import '../runtime/supported-node.js';
import { readConfig } from '../config/config.js';
import { explainStartupError } from '../runtime/startup-error.js';
import { openDatabaseServer } from '../stores/database-server.js';
import { migrateNow } from '../stores/migrate-at-start.js';

/** `npm run migrate`: applies all pending migrations, also while a server is running. */
async function main(): Promise<void> {
  const config = readConfig();
  const server = await openDatabaseServer(config, { share: true });
  try {
    const names = await migrateNow(config, server.url);
    console.log(names.length > 0 ? `Migrated: ${names.join(', ')}` : 'Nothing to migrate.');
  } finally {
    await server.stop();
  }
}

main().catch((error: unknown) => {
  console.error(explainStartupError(error));
  process.exitCode = 1;
});
