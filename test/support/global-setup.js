import { mkdtempSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { startEmbeddedPostgres } from '../../dist/src/stores/embedded-postgres.js';
import { migrate } from '../../dist/src/stores/migrate.js';

/** One Postgres for the whole run, with a migrated template that each test file clones. Runs the build: `npm test` makes it. */
export default async function globalSetup() {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'boxoffice-test-'));
  const postgres = await startEmbeddedPostgres({
    directory: path.join(directory, 'postgres'),
    databaseName: 'template',
    fast: true,
  });
  await migrate(postgres.url);
  process.env.TEST_TEMPLATE_URL = postgres.url;
  Object.assign(globalThis, { testServers: { directory, stop: () => postgres.stop() } });
}
