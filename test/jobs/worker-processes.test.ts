import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { SignJWT } from 'jose';
import { until } from '../support/until.js';
import { testedJobStores } from './job-stores.js';
import { LOOK_EACH_MS, StandstillWatch } from './standstill.js';
import { JWT_SECRET, LOCK_LIFETIME_MS, WorkerScene } from './worker-scene.js';

/** CI runs the whole minute, in a step of its own; every day a shorter one does. */
const FULL_MINUTE = process.env.JOBS_FULL_MINUTE === 'true';
const RUN_MS = FULL_MINUTE ? 60_000 : 8_000;
const KILL_EACH_MS = FULL_MINUTE ? 10_000 : 4_000;
const GRANTS_EACH_MS = 500;
/** Workers look for jobs each 200 ms here; the rest is for what lies between looking and being seen at it. */
const ALLOWANCE_MS = 1_000;

describe.each(testedJobStores())('Worker processes, with jobs kept in $name', ({ mongodbUrl, drop }) => {
  let scene: WorkerScene;

  beforeAll(async () => {
    scene = await WorkerScene.open(mongodbUrl);
  });
  afterEach(() => scene.killAll());
  afterAll(async () => {
    await scene.close();
    await drop();
  });

  const jobOf = async (name: string) => (await scene.jobs()).find((job) => job.name === name);

  /** Kills the worker that is in the midst of expiring grants, and starts another; returns whether it left its lock behind. */
  async function killTheBusyOne(): Promise<boolean> {
    await scene.newGrants(1_500, 1);
    let victim: number | undefined;
    await until(async () => {
      const job = await jobOf('expire-grants');
      victim = job?.lockedAt ? Number(job.lastModifiedBy?.split(':').at(-1)) : undefined;
      return [...scene.processes].some(({ child }) => child.pid === victim);
    });
    process.kill(victim as number, 'SIGKILL');
    await until(() => ![...scene.processes].some(({ child }) => child.pid === victim));
    const job = await jobOf('expire-grants');
    await scene.startWorker();
    return Boolean(job?.lockedAt && job.lastModifiedBy?.endsWith(`:${victim}`));
  }

  test(`three share the jobs for ${RUN_MS / 1_000} s with one killed each ${KILL_EACH_MS / 1_000} s: each due grant expires once, no job gets stuck`, async () => {
    await Promise.all([scene.startWorker(), scene.startWorker(), scene.startWorker()]);
    const watch = new StandstillWatch(() => scene.jobs());
    const begin = Date.now();
    let locksLeftBehind = 0;
    try {
      for (let killed = 0; killed < RUN_MS / KILL_EACH_MS; killed++) {
        while (Date.now() - begin < (killed + 1) * KILL_EACH_MS) {
          await scene.newGrants(50, GRANTS_EACH_MS);
          await new Promise((resolve) => setTimeout(resolve, GRANTS_EACH_MS));
        }
        if (await killTheBusyOne()) locksLeftBehind++;
      }
      await until(
        async () => (await scene.number(`select count(*) from grants where status = 'ACTIVE'`)) === 0,
        'no grant is ACTIVE',
        20_000,
      );
    } finally {
      await watch.stop();
    }

    const grants = await scene.number('select count(*) from grants');
    expect(grants).toBeGreaterThan((RUN_MS / KILL_EACH_MS) * 1_500);
    expect(await scene.number(`select count(*) from grants where status = 'EXPIRED'`)).toBe(grants);
    expect(await scene.number('select count(*) from journal')).toBe(grants);
    expect(await scene.number('select count(distinct subject_id) from journal')).toBe(grants);
    const gaps = `select count(*) from balances b join lateral (
      select count(*) as events, max(sequence) as last from journal where user_id = b.user_id) e on true
      where e.events <> b.journal_sequence or e.last <> b.journal_sequence`;
    expect(await scene.number(gaps)).toBe(0);

    // Some kills left a lock behind, and all other jobs continued.
    expect(locksLeftBehind).toBeGreaterThan(0);
    expect(watch.workers.size).toBeGreaterThanOrEqual(3);
    expect(watch.mostLooks.size).toBe(10);
    console.info(`longest standstill of each job, in looks: ${JSON.stringify(Object.fromEntries(watch.mostLooks))}`);
    for (const [name, looks] of watch.mostLooks) {
      const inTime = looks <= (LOCK_LIFETIME_MS + ALLOWANCE_MS) / LOOK_EACH_MS;
      expect({ name, looks, inTime }).toEqual({ name, looks, inTime: true });
    }
    expect(
      await scene.home.rows(`select name, last_error from job_states where fail_count > 0 or last_error is not null`),
    ).toEqual([]);
    expect(await scene.number('select count(*) from job_states')).toBeGreaterThanOrEqual(FULL_MINUTE ? 9 : 7);
  }, 180_000);

  test('shut down cleanly when asked to, and leave no lock behind', async () => {
    // Of the workers that were killed before.
    const { repository } = scene.store.backend;
    for (const job of await scene.jobs()) await repository.saveJobState({ ...job, lockedAt: undefined }, undefined);
    const started = [await scene.startWorker(), await scene.startWorker()];
    const exits = started.map(({ child }) => new Promise<number | null>((resolve) => child.once('exit', resolve)));
    for (const { child } of started) child.kill('SIGTERM');
    expect(await Promise.all(exits)).toEqual([0, 0]);
    expect((await scene.jobs()).filter((job) => job.lockedAt)).toEqual([]);
  }, 60_000);

  test('run what an admin starts at a gateway, which runs none itself with RUN_JOBS=false', async () => {
    await scene.store.backend.repository.purgeAllJobs();
    const { url } = await scene.startGateway({ RUN_JOBS: 'false' });
    const token = await new SignJWT({ role: 'admin' })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject('01939c1e-0000-7000-8000-000000000001')
      .setIssuer('boxoffice')
      .setAudience('boxoffice')
      .setExpirationTime('5m')
      .sign(new TextEncoder().encode(JWT_SECRET));
    const ask = async <Data>(query: string): Promise<Data> => {
      const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` };
      const answer = await fetch(`${url}/graphql`, { method: 'POST', headers, body: JSON.stringify({ query }) });
      return ((await answer.json()) as { data: Data }).data;
    };
    await scene.home.rows('truncate job_states');
    const { runJob } = await ask<{ runJob: unknown }>('mutation { runJob(name: "sweep") { job { name } errors { code } } }');
    expect(runJob).toEqual({ job: { name: 'sweep' }, errors: [] });
    // No schedule was noted, and what was asked for waits.
    expect((await scene.jobs()).map(({ name, lastRunAt }) => ({ name, lastRunAt }))).toEqual([
      { name: 'sweep', lastRunAt: undefined },
    ]);
    await scene.startWorker();
    type Jobs = {
      jobs: { name: string; lastRunAt: string | null; nextRunAt: string; lastDurationMs: number; lastResult: string }[];
    };
    const fields = 'name schedule running lastRunAt nextRunAt lastDurationMs lastResult lastError failCount';
    await until(async () => {
      const sweep = (await ask<Jobs>(`{ jobs { ${fields} } }`)).jobs.find(({ name }) => name === 'sweep');
      return Boolean(sweep?.lastRunAt);
    });
    const { jobs } = await ask<Jobs>(`{ jobs { ${fields} } }`);
    expect(jobs).toHaveLength(10);
    expect(jobs.find(({ name }) => name === 'sweep')).toMatchObject({
      schedule: '500 milliseconds',
      lastDurationMs: expect.any(Number),
      lastResult: expect.stringMatching(/^\d+ idempotency records$/),
      nextRunAt: expect.any(String),
      failCount: 0,
    });
  }, 60_000);
});
