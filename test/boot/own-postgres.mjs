import { startEmbeddedPostgres } from '../../dist/src/stores/embedded-postgres/embedded-postgres.js';

/** A process that owns the Postgres of a data directory until it is killed; prints its URL, or why it does not start. */
try {
  const { url } = await startEmbeddedPostgres({ dataDirectory: process.argv[2] });
  process.stdout.write(`${url}\n`);
  process.stdin.resume();
} catch (error) {
  process.stdout.write(`${error.message}\n`);
  process.exit(1);
}
