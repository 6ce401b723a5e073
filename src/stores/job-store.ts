import { MongoBackend } from '@agendajs/mongo-backend';
import { PostgresBackend } from '@agendajs/postgres-backend';
import type { AgendaBackend } from 'agenda';
import { MongoClient, MongoServerError } from 'mongodb';
import pg from 'pg';
import { sessionSettings } from './session.js';

export interface JobStoreSettings {
  readonly databaseUrl: string;
  /** If set, schedules and locks are stored in MongoDB instead of Postgres. */
  readonly mongodbUrl: string | undefined;
  readonly connectionTimeoutMs: number;
  /** Called for errors outside of jobs, such as a lost idle connection, which is replaced automatically. */
  readonly onIdleError: (error: Error) => void;
}

/** Stores the schedules and locks of jobs. */
export interface JobStore {
  readonly backend: AgendaBackend;
  /** For readiness: whether it is available. Only jobs wait while it is down. */
  state(): Promise<'CONNECTED' | 'DOWN'>;
  /**
   * Moves up a job that is not running: its schedule to `latest` at most, a manual run to `now`. A lock taken in the future, which would
   * never expire, counts from `now`.
   */
  pullBack(name: string, latest: Date, now: Date): Promise<void>;
  close(): Promise<void>;
}

/** Due jobs are found by polling, so a worker needs few connections, and none that listens. */
const POOL_SIZE = 3;
const CALL_TIMEOUT_MS = 10_000;
const PING_TIMEOUT_MS = 1_000;
/** How far in the future a lock may be: workers whose clocks differ by more do not run jobs. */
const LOCK_TOLERANCE_MS = 60_000;
const PULL_BACK = `update agenda_jobs set
    next_run_at = case when locked_at is not null then next_run_at when type = 'single' then least(next_run_at, $2) else $3 end,
    locked_at = least(locked_at, $3)
  where name = $1 and (locked_at > $4
    or (locked_at is null and ((type = 'single' and next_run_at > $2) or (type <> 'single' and next_run_at > $4))))`;
const DUPLICATE_KEY = 11_000;

/** Opens the store; in Postgres its table must exist. @throws the driver's error when it cannot be reached */
export function openJobStore(settings: JobStoreSettings): Promise<JobStore> {
  return settings.mongodbUrl === undefined ? openPostgres(settings) : openMongo(settings.mongodbUrl, settings);
}

async function openPostgres(settings: JobStoreSettings): Promise<JobStore> {
  const pool = new pg.Pool({
    connectionString: settings.databaseUrl,
    max: POOL_SIZE,
    connectionTimeoutMillis: settings.connectionTimeoutMs,
    application_name: 'boxoffice-jobs',
    onConnect: sessionSettings({ statementTimeoutMs: CALL_TIMEOUT_MS }),
  });
  pool.on('error', settings.onIdleError);
  const backend = new PostgresBackend({
    pool,
    tableName: 'agenda_jobs',
    // The migrations create it: this role may not be allowed to change the schema.
    ensureSchema: false,
    disableNotifications: true,
  });
  try {
    await backend.connect();
  } catch (error) {
    await pool.end();
    throw error;
  }
  return {
    backend: withErrorsHandled(backend, settings),
    state: () => stateBy(pool.query('select 1')),
    async pullBack(name, latest, now) {
      await pool.query(PULL_BACK, [name, latest, now, new Date(now.getTime() + LOCK_TOLERANCE_MS)]);
    },
    close: () => pool.end(),
  };
}

async function openMongo(url: string, settings: JobStoreSettings): Promise<JobStore> {
  const client = new MongoClient(url, {
    appName: 'boxoffice-jobs',
    maxPoolSize: POOL_SIZE,
    connectTimeoutMS: settings.connectionTimeoutMs,
    serverSelectionTimeoutMS: settings.connectionTimeoutMs,
    waitQueueTimeoutMS: settings.connectionTimeoutMs,
    // Without it, a call to an unresponsive server would wait forever.
    socketTimeoutMS: CALL_TIMEOUT_MS,
  });
  const backend = new MongoBackend({ mongo: client.db(), collection: 'agenda_jobs', logCollection: 'agenda_logs' });
  try {
    await client.connect();
    await backend.connect();
    await oneScheduleForEachJob(client, backend);
  } catch (error) {
    await client.close();
    throw error;
  }
  return {
    backend: withErrorsHandled(backend, settings),
    state: () => stateBy(client.db().command({ ping: 1 }, { timeoutMS: PING_TIMEOUT_MS })),
    async pullBack(name, latest, now) {
      const jobs = client.db().collection('agenda_jobs');
      const far = new Date(now.getTime() + LOCK_TOLERANCE_MS);
      await jobs.updateMany(
        { name, type: 'single', lockedAt: null, nextRunAt: { $gt: latest } },
        { $set: { nextRunAt: latest } },
      );
      await jobs.updateMany(
        { name, type: { $ne: 'single' }, lockedAt: null, nextRunAt: { $gt: far } },
        { $set: { nextRunAt: now } },
      );
      await jobs.updateMany({ name, lockedAt: { $gt: far } }, { $set: { lockedAt: now } });
    },
    close: () => client.close(),
  };
}

const stateBy = (answer: Promise<unknown>) =>
  answer.then(
    () => 'CONNECTED' as const,
    () => 'DOWN' as const,
  );

/**
 * Agenda stores a schedule with an upsert, which in MongoDB may insert twice when two workers start at the same time, unless a unique
 * index prevents it. One of the two may then get a duplicate key error, and finds the other's when it retries.
 * https://www.mongodb.com/docs/manual/reference/method/db.collection.updateOne/#upsert-with-duplicate-values
 */
async function oneScheduleForEachJob(client: MongoClient, { repository }: MongoBackend): Promise<void> {
  await client
    .db()
    .collection('agenda_jobs')
    .createIndex({ name: 1, type: 1 }, { unique: true, partialFilterExpression: { type: 'single' } });
  const saveJob = repository.saveJob.bind(repository);
  repository.saveJob = (...job) =>
    saveJob(...job).catch((error: unknown) => {
      if (error instanceof MongoServerError && error.code === DUPLICATE_KEY) return saveJob(...job);
      throw error;
    });
}

/**
 * Agenda makes two calls without handling their errors, which would end the process when the store is unavailable: it connects in its
 * constructor (done earlier, here), and it releases locks that it took too early (they expire anyway).
 */
function withErrorsHandled<Backend extends AgendaBackend>(backend: Backend, settings: JobStoreSettings): Backend {
  backend.connect = async () => {};
  const { repository } = backend;
  const unlockJob = repository.unlockJob.bind(repository);
  repository.unlockJob = (job) => unlockJob(job).catch(settings.onIdleError);
  return backend;
}
