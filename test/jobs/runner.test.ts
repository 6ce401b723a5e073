import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/clock.js';
import type { JobContext, JobDefinition } from '../../src/jobs/job.js';
import { JobRunner } from '../../src/jobs/runner.js';
import { JobStates } from '../../src/services/jobs/job-states.js';
import { Jobs } from '../../src/services/jobs/jobs.js';
import { type JobStore, openJobStore } from '../../src/stores/job-store.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { eventually } from './eventually.js';

const ADMIN = { userId: null, role: 'ADMIN' as const };
const stores = [{ name: 'Postgres', mongodbUrl: undefined as string | undefined }];
if (process.env.MONGODB_URL) stores.push({ name: 'MongoDB', mongodbUrl: process.env.MONGODB_URL });
else console.info('jobs: the half on MongoDB is not run, because MONGODB_URL is not set');

describe.each(stores)('Jobs kept in $name', ({ mongodbUrl }) => {
  let home: TestDatabase;
  let states: JobStates;
  let workers: { runner: JobRunner; store: JobStore }[];
  let failures: unknown[];

  beforeAll(async () => {
    home = await testDatabase();
    states = new JobStates(home.database);
  });
  beforeEach(async () => {
    workers = [];
    failures = [];
    await home.database.pool.query('truncate job_states');
  });
  afterEach(async () => {
    for (const { runner, store } of workers) {
      await runner.stop();
      await store.backend.repository.purgeAllJobs();
      await store.close();
    }
  });
  afterAll(() => home.drop());

  async function newWorker(definitions: JobDefinition[], settings = {}): Promise<JobRunner> {
    const store = await openJobStore({
      databaseUrl: home.url,
      mongodbUrl,
      connectionTimeoutMs: 5_000,
      onIdleError: (error) => failures.push(error),
    });
    const runner = new JobRunner({
      store,
      definitions,
      states,
      clock: systemClock,
      settings: { lockLifetimeMs: 5_000, stopTimeoutMs: 5_000, ...settings },
      logger: { error: (details) => failures.push(details), warn: (details) => failures.push(details) },
    });
    workers.push({ runner, store });
    return runner;
  }
  const job = (name: string, intervalMs: number, run: (context: JobContext) => Promise<string>): JobDefinition => ({
    name,
    intervalMs,
    run,
  });
  const stateOf = async (name: string) => (await states.all()).find((state) => state.name === name);

  test('run by their schedule, and their last run can be looked at', async () => {
    let runs = 0;
    const runner = await newWorker([job('count', 200, async () => `${++runs} done`)]);
    await runner.start();
    await eventually(() => runs >= 4);
    const [count] = await new Jobs(runner, states).list();
    expect(count).toMatchObject({ name: 'count', schedule: '200 milliseconds', lastError: null, failCount: 0 });
    expect(count?.lastResult).toMatch(/done$/);
    expect(count?.nextRunAt).toBeInstanceOf(Date);
    expect(failures).toEqual([]);
  });

  test('never run twice at the same time, though several workers that started together share them', async () => {
    let running = 0;
    let most = 0;
    const runs = [0, 0, 0];
    const definitionsOf = (worker: number) => [
      job('shared', 100, async () => {
        most = Math.max(most, ++running);
        runs[worker] = (runs[worker] ?? 0) + 1;
        await new Promise((resolve) => setTimeout(resolve, 30));
        running--;
        return 'done';
      }),
    ];
    const runners = await Promise.all(runs.map((_, worker) => newWorker(definitionsOf(worker))));
    await Promise.all(runners.map((runner) => runner.start()));
    await eventually(() => runs.reduce((sum, count) => sum + count, 0) >= 12);
    expect(most).toBe(1);
    expect(failures).toEqual([]);
  });

  test('a failing one is tried again with backoff, says why, and stops no other', async () => {
    let attempts = 0;
    let others = 0;
    const failing = job('failing', 60_000, async () => {
      if (++attempts < 3) throw new Error(`no luck with sk_test_abc`);
      return 'worked';
    });
    const runner = await newWorker([failing, job('other', 100, async () => `${++others}`)]);
    await runner.start();
    await eventually(async () => (await stateOf('failing'))?.failCount === 1);
    expect(await stateOf('failing')).toMatchObject({ lastResult: null, lastError: 'no luck with sk_test_…' });
    const othersBefore = others;
    await eventually(async () => (await stateOf('failing'))?.lastResult === 'worked');
    expect(await stateOf('failing')).toMatchObject({ failCount: 0, lastError: 'no luck with sk_test_…' });
    expect(others).toBeGreaterThan(othersBefore);
  });

  test('one that takes long keeps its lock and stops no other', async () => {
    let others = 0;
    let longRuns = 0;
    let release = () => {};
    const long = job('long', 60_000, () => {
      longRuns++;
      return new Promise((resolve) => {
        release = () => resolve('done');
      });
    });
    const definitions = [long, job('other', 100, async () => `${++others}`)];
    const [first, second] = await Promise.all([1, 2].map(() => newWorker(definitions, { lockLifetimeMs: 1_000 })));
    await Promise.all([first?.start(), second?.start()]);
    await eventually(() => longRuns === 1);
    const standing = await first?.standing();
    expect(standing?.get('long')?.running).toBe(true);
    const othersBefore = others;
    const longerThanTheLock = Date.now() + 2_500;
    await eventually(() => Date.now() > longerThanTheLock);
    expect(longRuns).toBe(1);
    expect(others).toBeGreaterThan(othersBefore + 5);
    release();
    await eventually(async () => (await stateOf('long'))?.lastResult === 'done');
    expect(failures).toEqual([]);
  });

  test('one whose worker vanished runs again soon, even when its next turn is a day away', async () => {
    let begun = 0;
    const daily = job('daily', 86_400_000, () => {
      begun++;
      return begun === 1 ? new Promise(() => {}) : Promise.resolve('done');
    });
    const vanishing = await newWorker([daily], { lockLifetimeMs: 1_000, stopTimeoutMs: 1 });
    await vanishing.start();
    await eventually(() => begun === 1);
    await pretendKilled(vanishing);
    const second = await newWorker([daily], { lockLifetimeMs: 1_000 });
    await second.start();
    await eventually(async () => (await stateOf('daily'))?.lastResult === 'done', 10_000);
    expect(begun).toBe(2);
    await eventually(async () => ((await second.standing()).get('daily')?.nextRunAt?.getTime() ?? 0) > Date.now() + 80_000_000);
  });

  test('a stop lets the batch at hand end and begins nothing more', async () => {
    const ended: string[] = [];
    let begun = 0;
    const batches = job('batches', 100, async ({ signal }) => {
      begun++;
      while (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, 20));
      ended.push('batch');
      return 'stopped';
    });
    const runner = await newWorker([batches]);
    await runner.start();
    await eventually(() => begun === 1);
    await runner.stop();
    expect(ended).toEqual(['batch']);
    expect((await stateOf('batches'))?.lastResult).toBe('stopped');
    const begunAtStop = begun;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(begun).toBe(begunAtStop);
  });

  test('go on after all connections were broken', async () => {
    let runs = 0;
    const runner = await newWorker([job('count', 100, async () => `${++runs}`)]);
    await runner.start();
    for (let round = 0; round < 3; round++) {
      const before = runs;
      await home.rows(`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'boxoffice-jobs'`);
      await eventually(() => runs > before + 2, 15_000);
    }
    expect(runs).toBeGreaterThan(6);
  });

  test('a schedule that was made denser holds at once', async () => {
    let runs = 0;
    const count = (intervalMs: number) => [job('count', intervalMs, async () => `${++runs}`)];
    const first = await newWorker(count(86_400_000));
    await first.start();
    await eventually(() => runs === 1);
    await first.stop();
    const second = await newWorker(count(200));
    await second.start();
    await eventually(() => runs >= 3);
  });

  describe('started by hand', () => {
    test('run in whatever worker is free, beside their schedule', async () => {
      let runs = 0;
      const definitions = [job('daily', 86_400_000, async () => `${++runs}`)];
      const worker = await newWorker(definitions);
      await worker.start();
      await eventually(() => runs === 1);
      // A gateway that runs no jobs itself.
      const gateway = new Jobs(await newWorker(definitions), states);
      const { job: started, errors } = await gateway.run(ADMIN, 'daily');
      expect({ name: started?.name, errors }).toEqual({ name: 'daily', errors: [] });
      await eventually(() => runs === 2);
      expect(((await gateway.list())[0]?.nextRunAt?.getTime() ?? 0) - Date.now()).toBeGreaterThan(80_000_000);
    });

    test('fail once and are not tried again', async () => {
      let runs = 0;
      const failing = job('failing', 86_400_000, async () => {
        if (++runs > 1) throw new Error('no');
        return 'first';
      });
      const worker = await newWorker([failing]);
      await worker.start();
      await eventually(() => runs === 1);
      await new Jobs(worker, states).run(ADMIN, 'failing');
      await eventually(async () => (await stateOf('failing'))?.failCount === 1);
      expect((await worker.standing()).get('failing')?.nextRunAt?.getTime() ?? 0).toBeGreaterThan(Date.now() + 80_000_000);
      expect(runs).toBe(2);
    });

    test('need a name that there is', async () => {
      const jobs = new Jobs(await newWorker([job('daily', 86_400_000, async () => '')]), states);
      expect((await jobs.run(ADMIN, 'weekly')).errors).toMatchObject([{ code: 'NOT_FOUND', path: ['name'] }]);
    });
  });
});

/** What kill -9 leaves: the lock in the store, and nobody who prolongs it. */
async function pretendKilled(runner: JobRunner): Promise<void> {
  const inside = runner as unknown as {
    agenda: { stop(close: boolean): Promise<void> };
    running: Set<{ touch(): Promise<void> }>;
  };
  for (const job of inside.running) job.touch = async () => {};
  await inside.agenda.stop(false);
}
