import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { JobParameters } from 'agenda';
import type { JobDefinition } from '../../src/jobs/job.js';
import { JobRunner } from '../../src/jobs/scheduler.js';
import { systemClock } from '../../src/runtime/clock.js';
import { JobStates } from '../../src/services/jobs/job-states.js';
import { type JobStore, openJobStore } from '../../src/stores/job-store.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';
import { testedJobStores } from './job-stores.js';
import { unrefAgendaTimers } from './unref-agenda-timers.js';

unrefAgendaTimers();

const DAY_MS = 86_400_000;

describe.each(testedJobStores())('With jobs kept in $name', ({ mongodbUrl, drop }) => {
  let home: TestDatabase;
  let states: JobStates;
  const runners: JobRunner[] = [];
  const stores: JobStore[] = [];

  beforeAll(async () => {
    home = await testDatabase();
    states = new JobStates(home.database);
  });
  afterEach(async () => {
    for (const runner of runners.splice(0)) await runner.stop();
    for (const store of stores.splice(0)) {
      await store.backend.repository.purgeAllJobs();
      await store.close();
    }
    await home.rows('truncate job_states');
  });
  afterAll(async () => {
    await drop();
    await home.drop();
  });

  const openStore = async (): Promise<JobStore> => {
    const store = await openJobStore({ databaseUrl: home.url, mongodbUrl, connectionTimeoutMs: 5_000, onIdleError: () => {} });
    stores.push(store);
    return store;
  };
  async function newWorker(
    definitions: JobDefinition[],
    mayRun?: () => boolean,
  ): Promise<{ runner: JobRunner; store: JobStore }> {
    const store = await openStore();
    const logger = { error: () => {}, warn: () => {} };
    const settings = { lockLifetimeMs: 2_000, stopTimeoutMs: 2_000 };
    const dependencies = { store, definitions, states, clock: systemClock, settings, logger, ...(mayRun && { mayRun }) };
    const runner = new JobRunner(dependencies);
    runners.push(runner);
    return { runner, store };
  }
  const job = (name: string, intervalMs: number, run: () => string): JobDefinition => ({
    name,
    schedule: { intervalMs },
    run: async () => run(),
  });
  const jobOf = async (store: JobStore, name: string) =>
    (await store.backend.repository.queryJobs({ name })).jobs[0] as JobParameters;

  test('a process whose clock differs runs no jobs and writes no schedule, and does both as soon as its clock is right', async () => {
    let runs = 0;
    let inStep = false;
    const { runner, store } = await newWorker([job('count', 100, () => `${++runs}`)], () => inStep);
    await runner.start();
    const right = await newWorker([job('other', 100, () => `${++runs}`)]);
    await right.runner.start();
    await until(() => runs > 5);
    expect(await jobOf(store, 'count')).toBeUndefined();
    inStep = true;
    await until(async () => (await states.all()).some(({ name }) => name === 'count'));
  });

  test('a process whose clock goes wrong while it runs begins no more jobs', async () => {
    let runs = 0;
    let inStep = true;
    const { runner, store } = await newWorker([job('count', 100, () => `${++runs}`)], () => inStep);
    await runner.start();
    await until(() => runs > 2);
    inStep = false;
    let before = -1;
    // What it had locked before may still run; then nothing does, though the job is due.
    await until(async () => {
      const unchanged = before === runs;
      before = runs;
      const { nextRunAt, lockedAt } = await jobOf(store, 'count');
      return unchanged && !lockedAt && (nextRunAt?.getTime() ?? Number.POSITIVE_INFINITY) < Date.now() - 1_000;
    });
    expect(runs).toBe(before);
  });

  test('a running worker pulls back a schedule that another one pushed a day ahead, and what was started manually', async () => {
    let runs = 0;
    const { runner, store } = await newWorker([job('count', 100, () => `${++runs}`)]);
    await runner.start();
    await until(() => runs > 2);
    const { repository } = store.backend;
    // As a worker with a clock a day ahead leaves it; our own worker may be writing too, so until it is so.
    await until(async () => {
      const left = await jobOf(store, 'count');
      if (left.lockedAt) return false;
      await repository.saveJobState({ ...left, nextRunAt: new Date(Date.now() + DAY_MS) }, undefined);
      return ((await jobOf(store, 'count')).nextRunAt?.getTime() ?? 0) > Date.now() + DAY_MS / 2;
    });
    const before = runs;
    await until(() => runs > before + 3, 'it runs again', 40_000);
  }, 60_000);

  test('a lock taken in the future by a worker that died runs out', async () => {
    let runs = 0;
    const definitions = [job('count', 100, () => `${++runs}`)];
    const first = await newWorker(definitions);
    await first.runner.start();
    await until(() => runs > 0);
    await first.runner.stop();
    const { store } = first;
    const left = await jobOf(store, 'count');
    const tomorrow = new Date(Date.now() + DAY_MS);
    await store.backend.repository.saveJobState({ ...left, lockedAt: tomorrow, nextRunAt: tomorrow }, undefined);
    const before = runs;
    await (await newWorker(definitions)).runner.start();
    await until(() => runs > before, 'it runs again', 40_000);
  }, 60_000);

  test('what is started manually on a process whose clock is ahead is due at once', async () => {
    const store = await openStore();
    const clock = { now: () => new Date(Date.now() - DAY_MS) };
    const runner = new JobRunner({
      store,
      definitions: [job('count', 60_000, () => 'done')],
      states,
      clock,
      settings: { lockLifetimeMs: 2_000, stopTimeoutMs: 2_000 },
      logger: { error: () => {}, warn: () => {} },
    });
    await runner.startNow('count');
    expect((await jobOf(store, 'count')).nextRunAt?.getTime()).toBeLessThan(Date.now());
  });
});
