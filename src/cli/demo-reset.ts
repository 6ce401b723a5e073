import '../runtime/supported-node.js';
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { readConfig } from '../config/config.js';
import { explainStartupError, StartupError } from '../runtime/startup-error.js';
import { removeCluster } from '../stores/embedded-postgres/account.js';
import { startEmbeddedPostgres } from '../stores/embedded-postgres/embedded-postgres.js';

/** `npm run demo:reset`: throws away the embedded database and the sandbox's state; secrets stay, so tokens stay good. */
async function main(): Promise<void> {
  const { databaseUrl, dataDirectory } = readConfig();
  if (databaseUrl !== undefined) throw new StartupError(['DATABASE_URL: is set. Only the embedded database is thrown away.']);
  if (existsSync(path.join(dataDirectory, 'postgres'))) {
    // Whoever owns the server is alone with it: nothing is taken from under a running one.
    await (await startEmbeddedPostgres({ dataDirectory })).stop();
    removeCluster(dataDirectory);
  }
  rmSync(path.join(dataDirectory, 'sandbox.jsonl'), { force: true });
  console.log('The demo is reset: the next start loads it anew.');
}

main().catch((error: unknown) => {
  console.error(explainStartupError(error));
  process.exitCode = 1;
});
