import '../supported-node.js';
import { readConfig } from '../config.js';
import { openDatabaseServer } from '../database-server.js';
import { explainStartFault } from '../start-fault.js';
import { createMigration } from '../stores/migrate.js';

/** `npm run migrate:create`: writes what the entities have and the database lacks as a new file in `migrations`, to be read and mended. */
async function main(): Promise<void> {
  const server = await openDatabaseServer(readConfig(), { share: true });
  try {
    const file = await createMigration(server.url);
    console.log(file === null ? 'Entities and database agree: no migration is needed.' : `Written: migrations/${file}`);
  } finally {
    await server.stop();
  }
}

main().catch((error: unknown) => {
  console.error(explainStartFault(error));
  process.exitCode = 1;
});
