import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { GatewayProcess } from '../support/gateway-process.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { until } from '../support/until.js';

let home: TestDatabase;
beforeAll(async () => {
  home = await testDatabase();
});
afterAll(() => home.drop());

const DAY_MS = 86_400_000;
/** Shifts the real clock of a process, before anything of ours is loaded: `Date` only, as when a machine's clock is wrong. */
const ahead = (ms: number) => {
  const source = `
    const RealDate = Date;
    globalThis.Date = class extends RealDate {
      constructor(...given) { given.length === 0 ? super(RealDate.now() + ${ms}) : super(...given); }
      static now() { return RealDate.now() + ${ms}; }
    };`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(source)}` };
};

test('A worker a day ahead runs no job, is not ready and says why in log and metrics, while one with a right clock runs them all', async () => {
  const environment = { DATABASE_URL: home.url, LOG_LEVEL: 'warn', EXPIRE_GRANTS_INTERVAL_MS: '200' };
  const wrong = await GatewayProcess.on({ ...environment, ...ahead(DAY_MS) }, 'worker.js');
  const right = await GatewayProcess.on(environment, 'worker.js');
  try {
    await wrong.launch();
    await until(async () => (await wrong.readiness())?.dependencies.clock?.ready === false, 'not ready', 60_000);
    await until(() => wrong.written.includes('The worker is running jobs.'), 'started');
    expect(await wrong.readiness()).toMatchObject({
      status: 'not ready',
      dependencies: { database: { ready: true }, clock: { ready: false }, jobs: { ready: true } },
    });
    expect(wrong.written).toContain('the clocks of this process and the database differ; this process runs no jobs');
    const metrics = await (await fetch(`${wrong.url}/metrics`)).text();
    const [, seconds] = /^boxoffice_clock_difference_seconds (\S+)$/m.exec(metrics) ?? [];
    expect(Math.abs(Number(seconds) - DAY_MS / 1_000)).toBeLessThan(30);
    expect(await home.rows('select from agenda_jobs')).toEqual([]);
    await right.start();
    await until(async () => (await home.rows('select from job_states')).length > 3, 'the right one works');
    const [latest] = await home.rows<{ late: boolean }>(
      `select bool_or(last_run_at > now() + interval '1 hour') as late from job_states`,
    );
    expect(latest).toEqual({ late: false });
  } finally {
    await wrong.close();
    await right.close();
  }
}, 180_000);

test('A gateway an hour behind is ready, and shows in readiness that its clock differs', async () => {
  const gateway = await GatewayProcess.on({ DATABASE_URL: home.url, RUN_JOBS: 'true', ...ahead(-3_600_000) });
  try {
    await gateway.start();
    expect(await gateway.readiness()).toMatchObject({
      status: 'ready',
      dependencies: { clock: { ready: true, state: 'DIFFERS' } },
    });
  } finally {
    await gateway.close();
  }
}, 120_000);
