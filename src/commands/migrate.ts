import { readConfig } from '../config.js';
import { openDatabaseServer } from '../database-server.js';
import { explainStartFault } from '../start-fault.js';
import { migrate } from '../stores/migrate.js';

/** `npm run migrate`: brings the database to the newest migration, also beside a running server. */
async function main(): Promise<void> {
  const server = await openDatabaseServer(readConfig(), { share: true });
  try {
    const names = await migrate(server.url);
    console.log(names.length > 0 ? `Migrated: ${names.join(', ')}` : 'Nothing to migrate.');
  } finally {
    await server.stop();
  }
}

main().catch((error: unknown) => {
  console.error(explainStartFault(error));
  process.exitCode = 1;
});
