import '../runtime/supported-node.js';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { readConfig } from '../config/config.js';
import { StartupError } from '../runtime/startup-error.js';
import { removeCluster } from '../stores/embedded-postgres/account.js';
import { startEmbeddedPostgres } from '../stores/embedded-postgres/embedded-postgres.js';
import { runCommand } from './run-command.js';

/** `npm run demo:reset`: deletes the embedded database, its handed-out roots and the sandbox's state. Secrets are kept, so tokens stay valid. */
runCommand(async () => {
  const { databaseUrl, dataDirectory } = readConfig();
  if (databaseUrl !== undefined) throw new StartupError(['DATABASE_URL: is set. Only the embedded database can be reset.']);
  if (existsSync(path.join(dataDirectory, 'postgres'))) {
    // Taking ownership of the server fails while another process uses it.
    await (await startEmbeddedPostgres({ dataDirectory })).stop();
    removeCluster(dataDirectory);
  }
  for (const name of ['sandbox.jsonl', 'ledger-roots.jsonl']) rmSync(path.join(dataDirectory, name), { force: true });
  console.log('The demo was reset. It is loaded again at the next start.');
});
