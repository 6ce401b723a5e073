import '../runtime/supported-node.js';
import { readConfig } from '../config/config.js';
import { openDatabaseServer } from '../stores/database-server.js';
import { migrateNow } from '../stores/migrate.js';
import { runCommand } from './run-command.js';

/** `npm run migrate`: applies all pending migrations, also while a server is running. */
runCommand(async () => {
  const config = readConfig();
  const server = await openDatabaseServer(config, { share: true });
  try {
    const names = await migrateNow(config, server.url, (step) => console.log(step));
    console.log(names.length > 0 ? `Migrated: ${names.join(', ')}` : 'Nothing to migrate.');
  } finally {
    await server.stop();
  }
});
