import '../runtime/supported-node.js';
import { readConfig } from '../config/config.js';
import { openDatabaseServer } from '../stores/database-server.js';
import { createMigration } from '../stores/migrate.js';
import { runCommand } from './run-command.js';

/** `npm run migrate:create`: writes the difference between the entities and the database as a new file in `migrations`, to be reviewed. */
runCommand(async () => {
  const server = await openDatabaseServer(readConfig(), { share: true });
  try {
    const file = await createMigration(server.url);
    console.log(file === null ? 'The database matches the entities. No migration is needed.' : `Created migrations/${file}`);
  } finally {
    await server.stop();
  }
});
