import { expect, test } from '@jest/globals';
import { watchJobs, watchVerification } from '../../src/observability/job-metrics.js';
import { createMetrics } from '../../src/observability/metrics.js';
import { JobStates } from '../../src/services/jobs/job-states.js';
import type { Job } from '../../src/services/jobs/jobs.js';
import { testDatabase } from '../support/test-database.js';

const job: Job = {
  name: 'expire-grants',
  schedule: '1 second',
  running: false,
  lastRunAt: new Date('2026-11-23T10:00:00.000Z'),
  nextRunAt: null,
  lastDurationMs: 1_500,
  lastResult: null,
  lastError: 'no',
  lastFindingsCount: null,
  failCount: 3,
};

test('the metrics show when each job last ran, how long it took and how often it has failed in a row', async () => {
  const metrics = createMetrics();
  const never = { ...job, name: 'sweep', lastRunAt: null, lastDurationMs: null, failCount: 0 };
  watchJobs(metrics, { list: async () => [job, never] });
  const text = await metrics.registry.metrics();
  expect(text).toContain(`boxoffice_job_last_run_timestamp_seconds{name="expire-grants"} ${Date.UTC(2026, 10, 23, 10) / 1000}`);
  expect(text).toContain('boxoffice_job_last_duration_seconds{name="expire-grants"} 1.5');
  expect(text).toContain('boxoffice_job_failures{name="expire-grants"} 3');
  expect(text).toContain('boxoffice_job_failures{name="sweep"} 0');
  expect(text).not.toContain('boxoffice_job_last_run_timestamp_seconds{name="sweep"}');
});

test('the metrics show what the ledger check and the reconciliation found last, and nothing before their first run', async () => {
  let found: number | null = null;
  const metrics = createMetrics();
  const jobs = () => ['verify-ledger', 'reconcile', 'sweep'].map((name) => ({ ...job, name, lastFindingsCount: found }));
  watchJobs(metrics, { list: async () => jobs() });
  expect(await metrics.registry.metrics()).not.toMatch(/^boxoffice_(ledger_discrepancies|reconciliation_differences) /m);
  found = 3;
  const text = await metrics.registry.metrics();
  expect(text).toMatch(/^boxoffice_ledger_discrepancies 3$/m);
  expect(text).toMatch(/^boxoffice_reconciliation_differences 3$/m);
});

test('the metrics show how much of the ledger was verified and since when, and nothing while that cannot be read', async () => {
  const metrics = createMetrics();
  let oldestVerifiedAt: Date | null = null;
  let isAway = false;
  watchVerification(metrics, {
    standing: async () => {
      if (isAway) throw new Error('the database is away');
      return { viewers: 5, verified: 4, oldestVerifiedAt };
    },
  });
  const text = await metrics.registry.metrics();
  expect(text).toMatch(/^boxoffice_ledger_viewers 5$/m);
  expect(text).toMatch(/^boxoffice_ledger_viewers_verified 4$/m);
  expect(text).not.toMatch(/^boxoffice_ledger_oldest_verification_timestamp_seconds /m);
  oldestVerifiedAt = new Date(12_000);
  expect(await metrics.registry.metrics()).toMatch(/^boxoffice_ledger_oldest_verification_timestamp_seconds 12$/m);
  isAway = true;
  expect(await metrics.registry.metrics()).not.toMatch(/^boxoffice_ledger_viewers /m);
});

test('a run that fails leaves the number of the last one that ended well', async () => {
  const home = await testDatabase();
  const states = new JobStates(home.database);
  const run = { name: 'verify-ledger', startedAt: new Date(), durationMs: 5 };
  await states.record({ ...run, result: '4 discrepancies', findingsCount: 4, error: null });
  await states.record({ ...run, result: null, findingsCount: null, error: 'away' });
  expect(await states.all()).toMatchObject([{ name: 'verify-ledger', lastFindingsCount: 4, failCount: 1 }]);
  await home.drop();
});

test('metrics are still served when the jobs cannot be read', async () => {
  const metrics = createMetrics();
  watchJobs(metrics, { list: () => Promise.reject(new Error('the database is away')) });
  expect(await metrics.registry.metrics()).toContain('process_cpu_seconds_total');
});
