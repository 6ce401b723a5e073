import { startEmbeddedPostgres } from '../../src/stores/embedded-postgres/embedded-postgres.js';

/** A process that owns the Postgres of a data directory until it is killed; prints its URL, or why it does not start. */
try {
  const { url } = await startEmbeddedPostgres({ dataDirectory: process.argv[2] as string });
  process.stdout.write(`${url}\n`);
  process.stdin.resume();
} catch (error) {
  process.stdout.write(`${(error as Error).message}\n`);
  process.exit(1);
}
