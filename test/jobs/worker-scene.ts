import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { type Sandbox, startSandbox } from '@boxoffice/stripe-sandbox';
import type { JobParameters } from 'agenda';
import { newId } from '../../src/services/ids.js';
import { type JobStore, openJobStore } from '../../src/stores/job-store.js';
import { freePort } from '../support/free-port.js';
import { inheritedEnvironment } from '../support/inherited-environment.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

export const LOCK_LIFETIME_MS = 3_000;
export const JWT_SECRET = 'x'.repeat(32);

export interface Process {
  readonly child: ChildProcess;
  readonly url: string;
}

/** Real processes, built as they are shipped, that share one database, one job store and one Stripe. */
export class WorkerScene {
  readonly processes = new Set<Process>();

  private constructor(
    readonly home: TestDatabase,
    readonly store: JobStore,
    private readonly sandbox: Sandbox,
    private readonly mongodbUrl: string | undefined,
    private readonly versionId: string,
  ) {}

  static async open(mongodbUrl: string | undefined): Promise<WorkerScene> {
    const home = await testDatabase();
    const store = await openJobStore({ databaseUrl: home.url, mongodbUrl, connectionTimeoutMs: 5_000, onIdleError: () => {} });
    const sandbox = await startSandbox({ port: 0, webhookUrl: null, webhookSecret: 'whsec_test', stateFile: null });
    return new WorkerScene(home, store, sandbox, mongodbUrl, await newVersion(home));
  }

  async close(): Promise<void> {
    this.killAll();
    await this.sandbox.stop();
    await this.store.close();
    await this.home.drop();
  }

  killAll(): void {
    for (const { child } of this.processes) child.kill('SIGKILL');
    this.processes.clear();
  }

  startWorker(environment: Record<string, string> = {}): Promise<Process> {
    return this.start('dist/src/worker.js', environment);
  }

  startGateway(environment: Record<string, string>): Promise<Process> {
    return this.start('dist/src/main.js', environment);
  }

  /** Every job as the store has it. */
  async jobs(): Promise<JobParameters[]> {
    return (await this.store.backend.repository.queryJobs({})).jobs;
  }

  /** Grants that end within `withinMs` from now on, for viewers of whom some get several. */
  async newGrants(count: number, withinMs: number): Promise<void> {
    await this.home.rows(
      `with viewer as (
         select md5(trunc(random() * 300)::text)::uuid as user_id from generate_series(1, $1)
       ), balance as (
         insert into balances (user_id, currency, created_at, updated_at)
         select distinct user_id, 'USD', now(), now() from viewer on conflict do nothing
       )
       insert into grants (id, user_id, version_id, status, paid_with, price_per_day, duration_days, currency, granted_at, starts_at,
         available_until, text_digest, actor_id)
       select gen_random_uuid(), user_id, $2, 'ACTIVE', 'GIFT', 100, 10, 'USD', now() - interval '10 days', now() - interval '10 days',
         now() + random() * $3 * interval '1 millisecond', 'test', $2 from viewer`,
      [count, this.versionId, withinMs],
    );
  }

  /** The first column of the first row. */
  async number(text: string): Promise<number> {
    const [row] = await this.home.rows(text);
    return Number(Object.values(row ?? {})[0]);
  }

  private async start(script: string, environment: Record<string, string>): Promise<Process> {
    const port = await freePort();
    const child = spawn(process.execPath, [path.resolve(script)], {
      env: { ...inheritedEnvironment(), ...this.environment(port), ...environment },
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const started = { child, url: `http://127.0.0.1:${port}` };
    this.processes.add(started);
    child.once('exit', () => this.processes.delete(started));
    await until(async () => (await fetch(`${started.url}/healthz`).catch(() => null))?.status === 200, 'healthy', 60_000);
    return started;
  }

  private environment(port: number): Record<string, string> {
    const often = ['PROCESS_STRIPE_EVENTS', 'RESUME_REFUNDS', 'RELEASE_STALE_HOLDS', 'CLOSE_ORDERS', 'SYNCHRONISE_CATALOGUE'];
    const intervals = [...often, 'SWEEP'].map((name) => [`${name}_INTERVAL_MS`, '500']);
    return {
      ...Object.fromEntries(intervals),
      EXPIRE_GRANTS_INTERVAL_MS: '200',
      RECONCILE_CRON: '* * * * *',
      VERIFY_LEDGER_CRON: '* * * * *',
      JOB_LOCK_LIFETIME_MS: String(LOCK_LIFETIME_MS),
      JOB_BATCH_COUNT: '10',
      DATABASE_URL: this.home.url,
      PORT: String(port),
      STRIPE_SECRET_KEY: this.sandbox.secretKey,
      STRIPE_WEBHOOK_SECRET: 'whsec_test',
      STRIPE_API_URL: this.sandbox.url,
      JWT_SECRET,
      DEMO: 'false',
      LOG_LEVEL: 'error',
      ...(this.mongodbUrl && { MONGODB_URL: this.mongodbUrl }),
    };
  }
}

async function newVersion(home: TestDatabase): Promise<string> {
  const [filmId, subscriptionId, id] = [newId(), newId(), newId()];
  await home.rows(`insert into films (id, title, created_at, updated_at) values ($1, 'Nosferatu', now(), now())`, [filmId]);
  await home.rows(
    `insert into subscriptions (id, title, description, status, created_at, updated_at) values ($1, 'Silent', '', 'DRAFT', now(), now())`,
    [subscriptionId],
  );
  await home.rows(
    `with version as (
       insert into subscription_versions (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
       values ($1, $2, 1, 100, 10, 1000, 'USD', 1, now()) returning id
     ) insert into subscription_version_films (version_id, film_id) select id, $3 from version`,
    [id, subscriptionId, filmId],
  );
  await home.rows('update subscriptions set current_version_id = $2 where id = $1', [subscriptionId, id]);
  return id;
}
