import '../supported-node.js';
import { readConfig } from '../config.js';
import { openDatabaseServer } from '../database-server.js';
import { migrateNow } from '../migrate-at-start.js';
import { explainStartFault } from '../start-fault.js';

/** `npm run migrate`: brings the database to the newest migration, also beside a running server. */
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
  console.error(explainStartFault(error));
  process.exitCode = 1;
});
