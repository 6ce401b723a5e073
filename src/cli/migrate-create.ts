import '../runtime/supported-node.js';
import { readConfig } from '../config/config.js';
import { explainStartupError } from '../runtime/startup-error.js';
import { openDatabaseServer } from '../stores/database-server.js';
import { createMigration } from '../stores/migrate.js';

/** `npm run migrate:create`: writes the difference between the entities and the database as a new file in `migrations`, to be reviewed. */
async function main(): Promise<void> {
  const server = await openDatabaseServer(readConfig(), { share: true });
  try {
    const file = await createMigration(server.url);
    console.log(file === null ? 'The database matches the entities. No migration is needed.' : `Created migrations/${file}`);
  } finally {
    await server.stop();
  }
}

main().catch((error: unknown) => {
  console.error(explainStartupError(error));
  process.exitCode = 1;
});
