import { MongoBackend } from '@agendajs/mongo-backend';
import { PostgresBackend } from '@agendajs/postgres-backend';
import type { AgendaBackend } from 'agenda';
import { MongoClient } from 'mongodb';
import pg from 'pg';

export interface JobStoreSettings {
  readonly databaseUrl: string;
  /** When set, schedules and locks are kept in MongoDB and not in the product's Postgres. */
  readonly mongodbUrl: string | undefined;
  readonly connectionTimeoutMs: number;
  /** Told of connections that break while idle; they are replaced. */
  readonly onIdleError: (error: Error) => void;
}

/** Where schedules and locks of jobs are kept. */
export interface JobStore {
  readonly backend: AgendaBackend;
  close(): Promise<void>;
}

/** Jobs that are due are found by looking, so a worker needs few connections, and none that listens. */
const POOL_SIZE = 3;
const STATEMENT_TIMEOUT_MS = 10_000;
/** Any number that nothing else in this database locks. */
const SCHEMA_LOCK = 6_108_204;

/** Opens the store and makes its tables. Ends in the driver's error when it cannot be reached. */
export function openJobStore(settings: JobStoreSettings): Promise<JobStore> {
  return settings.mongodbUrl === undefined ? openPostgres(settings) : openMongo(settings.mongodbUrl, settings);
}

async function openPostgres(settings: JobStoreSettings): Promise<JobStore> {
  const pool = new pg.Pool({
    connectionString: settings.databaseUrl,
    max: POOL_SIZE,
    connectionTimeoutMillis: settings.connectionTimeoutMs,
    application_name: 'boxoffice-jobs',
    options: `-c timezone=UTC -c statement_timeout=${STATEMENT_TIMEOUT_MS}`,
  });
  pool.on('error', settings.onIdleError);
  const backend = new PostgresBackend({
    pool,
    tableName: 'agenda_jobs',
    logTableName: 'agenda_logs',
    disableNotifications: true,
  });
  try {
    await oneAtATime(pool, () => backend.connect());
  } catch (error) {
    await pool.end();
    throw error;
  }
  return { backend: connected(backend), close: () => pool.end() };
}

async function openMongo(url: string, settings: JobStoreSettings): Promise<JobStore> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: settings.connectionTimeoutMs });
  await client.connect();
  const backend = new MongoBackend({ mongo: client.db(), collection: 'agenda_jobs', logCollection: 'agenda_logs' });
  await backend.connect();
  return { backend: connected(backend), close: () => client.close() };
}

/** `create … if not exists` of two workers that start together fails in one of them. */
async function oneAtATime(pool: pg.Pool, work: () => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query('select pg_advisory_lock($1)', [SCHEMA_LOCK]);
    await work();
    await client.query('select pg_advisory_unlock($1)', [SCHEMA_LOCK]);
  } finally {
    client.release();
  }
}

/** Agenda connects in its constructor and leaves a failure unhandled, which would end the process: it is done before. */
function connected<Backend extends AgendaBackend>(backend: Backend): Backend {
  backend.connect = async () => {};
  return backend;
}
