import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { JobContext, JobDefinition } from '../../src/jobs/job.js';
import { JobRunner } from '../../src/jobs/scheduler.js';
import { systemClock } from '../../src/runtime/clock.js';
import { JobStates } from '../../src/services/jobs/job-states.js';
import { Jobs } from '../../src/services/jobs/jobs.js';
import { type JobStore, openJobStore } from '../../src/stores/job-store.js';
import { ADMIN } from '../support/shop.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { testedJobStores } from './job-stores.js';
import { unrefAgendaTimers } from './unref-agenda-timers.js';

unrefAgendaTimers();

describe.each(testedJobStores())('Jobs kept in $name', ({ mongodbUrl, drop }) => {
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
  afterAll(async () => {
    await drop();
    await home.drop();
  });

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
      settings: { lockLifetimeMs: 2_000, stopTimeoutMs: 5_000, ...settings },
      logger: { error: (details) => failures.push(details), warn: (details) => failures.push(details) },
    });
    workers.push({ runner, store });
    return runner;
  }
  const job = (name: string, intervalMs: number, run: (context: JobContext) => Promise<string>): JobDefinition => ({
    name,
    schedule: { intervalMs },
    run,
  });
  const jobsOf = (runner: JobRunner) => new Jobs(runner, states, home.database, { now: () => new Date() });
  const stateOf = async (name: string) => (await states.all()).find((state) => state.name === name);

  test('run by their schedule, and their last run can be looked at', async () => {
    let runs = 0;
    const runner = await newWorker([job('count', 200, async () => `${++runs} done`)]);
    await runner.start();
    await until(() => runs >= 4);
    const [count] = await jobsOf(runner).list();
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
    await until(() => runs.reduce((sum, count) => sum + count, 0) >= 12);
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
    await until(async () => (await stateOf('failing'))?.failCount === 1);
    expect(await stateOf('failing')).toMatchObject({ lastResult: null, lastError: 'no luck with [redacted]' });
    const othersBefore = others;
    await until(async () => (await stateOf('failing'))?.lastResult === 'worked');
    expect(await stateOf('failing')).toMatchObject({ failCount: 0, lastError: 'no luck with [redacted]' });
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
    await until(() => longRuns === 1);
    const standing = await first?.scheduledJobs();
    expect(standing?.get('long')?.running).toBe(true);
    const othersBefore = others;
    const longerThanTheLock = Date.now() + 2_500;
    await until(() => Date.now() > longerThanTheLock && others > othersBefore + 5, 'the lock has expired, and others ran on');
    expect(longRuns).toBe(1);
    release();
    await until(async () => (await stateOf('long'))?.lastResult === 'done');
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
    await until(() => begun === 1);
    await pretendKilled(vanishing);
    const second = await newWorker([daily], { lockLifetimeMs: 1_000 });
    await second.start();
    await until(async () => (await stateOf('daily'))?.lastResult === 'done', 'done');
    expect(begun).toBe(2);
    await until(async () => ((await second.scheduledJobs()).get('daily')?.nextRunAt?.getTime() ?? 0) > Date.now() + 80_000_000);
  });

  test('a stop lets the current batch finish and starts nothing more', async () => {
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
    await until(() => begun === 1);
    await runner.stop();
    expect(ended).toEqual(['batch']);
    expect((await stateOf('batches'))?.lastResult).toBe('stopped');
    const begunAtStop = begun;
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(begun).toBe(begunAtStop);
  });

  test('one that does not end at a stop is handed on at once, and so is one that was stopped before its end', async () => {
    let begun = 0;
    const daily = job('daily', 86_400_000, ({ signal }) => {
      if (++begun === 1) return new Promise(() => {});
      return begun === 2
        ? new Promise((resolve) => signal.addEventListener('abort', () => resolve('half')))
        : Promise.resolve('done');
    });
    // Longer than this test waits: nobody waits for the lock to run out.
    const settings = { lockLifetimeMs: 600_000, stopTimeoutMs: 100 };
    for (let worker = 1; worker <= 2; worker++) {
      const stopped = await newWorker([daily], settings);
      await stopped.start();
      await until(() => begun === worker, 'begun');
      await stopped.stop();
    }
    await (await newWorker([daily], settings)).start();
    await until(async () => (await stateOf('daily'))?.lastResult === 'done', 'done');
    expect(begun).toBe(3);
  });

  describe('of a cron line', () => {
    /** Far from now, whenever this runs: half a year away. */
    const inHalfAYear = `15 3 1 ${((new Date().getUTCMonth() + 6) % 12) + 1} *`;
    const nightly = (cron: string, run: () => Promise<string>): JobDefinition[] => [{ name: 'nightly', schedule: { cron }, run }];
    const noted = async (store: JobStore | undefined) =>
      (await store?.backend.repository.queryJobs({ name: 'nightly' }))?.jobs[0];

    test('wait for their hour in UTC, and show it', async () => {
      const runner = await newWorker(nightly(inHalfAYear, async () => 'done'));
      await runner.start();
      const [found] = await jobsOf(runner).list();
      expect(found).toMatchObject({ schedule: `${inHalfAYear} (UTC)`, lastRunAt: null });
      expect(found?.nextRunAt?.toISOString()).toMatch(/-01T03:15:00.000Z$/);
      expect(found?.nextRunAt?.getUTCMonth()).toBe((new Date().getUTCMonth() + 6) % 12);
    });

    test('catch up on a run that was missed while no worker ran, and then wait for the next one', async () => {
      let runs = 0;
      const definitions = nightly(inHalfAYear, async () => `${++runs} done`);
      await (await newWorker(definitions)).start();
      const { runner: first, store } = workers[0] as (typeof workers)[number];
      await first.stop();
      const left = await noted(store);
      await store.backend.repository.saveJobState(
        { ...(left as NonNullable<typeof left>), nextRunAt: new Date(Date.now() - 60_000) },
        undefined,
      );
      await (await newWorker(definitions)).start();
      await until(() => runs === 1);
      await until(async () => ((await noted(store))?.nextRunAt?.getTime() ?? 0) > Date.now() + 86_400_000);
      expect(runs).toBe(1);
    });

    test('take another hour as soon as it is set', async () => {
      const first = await newWorker([job('nightly', 86_400_000, async () => 'done')]);
      await first.start();
      await until(async () => (await stateOf('nightly'))?.lastResult === 'done');
      await first.stop();
      await (await newWorker(nightly(inHalfAYear, async () => 'done'))).start();
      expect((await noted(workers[1]?.store))?.nextRunAt?.toISOString()).toMatch(/-01T03:15:00.000Z$/);
    });
  });

  test('continue after all connections were broken', async () => {
    let runs = 0;
    const runner = await newWorker([job('count', 100, async () => `${++runs}`)]);
    await runner.start();
    for (let round = 0; round < 3; round++) {
      const before = runs;
      await home.rows(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'boxoffice-jobs' and datname = current_database()`,
      );
      await until(() => runs > before + 2);
    }
    expect(runs).toBeGreaterThan(6);
  });

  test('a schedule that was made denser holds at once', async () => {
    let runs = 0;
    const count = (intervalMs: number) => [job('count', intervalMs, async () => `${++runs}`)];
    const first = await newWorker(count(86_400_000));
    await first.start();
    await until(() => runs === 1);
    await first.stop();
    const second = await newWorker(count(200));
    await second.start();
    await until(() => runs >= 3);
  });

  describe('started manually', () => {
    test('run in whatever worker is free, beside their schedule', async () => {
      let runs = 0;
      const definitions = [job('daily', 86_400_000, async () => `${++runs}`)];
      const worker = await newWorker(definitions);
      await worker.start();
      await until(() => runs === 1);
      // A gateway that runs no jobs itself.
      const gateway = jobsOf(await newWorker(definitions));
      const { job: started, errors } = await gateway.run(ADMIN, 'daily');
      expect({ name: started?.name, errors }).toEqual({ name: 'daily', errors: [] });
      await until(() => runs === 2);
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
      await until(() => runs === 1);
      await jobsOf(worker).run(ADMIN, 'failing');
      await until(async () => (await stateOf('failing'))?.failCount === 1);
      expect((await worker.scheduledJobs()).get('failing')?.nextRunAt?.getTime() ?? 0).toBeGreaterThan(Date.now() + 80_000_000);
      expect(runs).toBe(2);
    });

    test('need a name that there is', async () => {
      const jobs = jobsOf(await newWorker([job('daily', 86_400_000, async () => '')]));
      expect((await jobs.run(ADMIN, 'weekly')).errors).toMatchObject([{ code: 'NOT_FOUND', path: ['name'] }]);
    });
  });
});

/** What kill -9 leaves: the lock in the store, and nobody who prolongs it. */
async function pretendKilled(runner: JobRunner): Promise<void> {
  const inside = runner as unknown as {
    agenda: { stop(close: boolean): Promise<void> };
    running: Map<{ touch(): Promise<void> }, unknown>;
  };
  for (const job of inside.running.keys()) job.touch = async () => {};
  await inside.agenda.stop(false);
}
