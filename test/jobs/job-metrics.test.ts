import { expect, test } from '@jest/globals';
import { watchJobs } from '../../src/gateway/job-metrics.js';
import { createMetrics } from '../../src/gateway/metrics.js';
import type { Job } from '../../src/services/jobs/jobs.js';

const job: Job = {
  name: 'expire-grants',
  schedule: '1 second',
  running: false,
  lastRunAt: new Date('2026-11-23T10:00:00.000Z'),
  nextRunAt: null,
  lastDurationMs: 1_500,
  lastResult: null,
  lastError: 'no',
  failCount: 3,
};

test('metrics tell when each job last ran, how long it took and how often it has failed in a row', async () => {
  const metrics = createMetrics();
  const never = { ...job, name: 'sweep', lastRunAt: null, lastDurationMs: null, failCount: 0 };
  watchJobs(metrics, { list: async () => [job, never] });
  const text = await metrics.registry.metrics();
  expect(text).toContain(`boxoffice_job_last_run_timestamp_seconds{job="expire-grants"} ${Date.UTC(2026, 10, 23, 10) / 1000}`);
  expect(text).toContain('boxoffice_job_last_duration_seconds{job="expire-grants"} 1.5');
  expect(text).toContain('boxoffice_job_failures{job="expire-grants"} 3');
  expect(text).toContain('boxoffice_job_failures{job="sweep"} 0');
  expect(text).not.toContain('boxoffice_job_last_run_timestamp_seconds{job="sweep"}');
});

test('metrics are still served when the jobs cannot be read', async () => {
  const metrics = createMetrics();
  watchJobs(metrics, { list: () => Promise.reject(new Error('the database is away')) });
  expect(await metrics.registry.metrics()).toContain('process_cpu_seconds_total');
});
