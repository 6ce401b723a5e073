import { type App, openApp } from '../app.js';
import { readConfig } from '../config/config.js';
import { describeFailure } from '../runtime/describe-failure.js';
import { explainStartupError } from '../runtime/startup-error.js';
import { openDatabaseServer } from '../stores/database-server.js';
import { requireMigrated } from '../stores/migrate.js';

/** Runs a check on the server's stores, whether or not one is running. Exits with what `check` returns, and with 2 if it failed. */
export function runCheck(failure: string, check: (app: App) => Promise<number>): void {
  withApp(check).then(
    (code) => process.exit(code),
    (error: unknown) => {
      console.error(explainStartupError(error, `${failure}: ${describeFailure(error)}`));
      process.exit(2);
    },
  );
}

async function withApp<Result>(work: (app: App) => Promise<Result>): Promise<Result> {
  const config = readConfig();
  const server = await openDatabaseServer(config, { share: true });
  try {
    await requireMigrated(config, server.url);
    const app = await openApp(config, server.url);
    try {
      return await work(app);
    } finally {
      await app.close();
    }
  } finally {
    await server.stop();
  }
}
