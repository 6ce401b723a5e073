import { Gauge } from 'prom-client';
import { singleFlight } from '../runtime/concurrency.js';
import type { Metrics } from './metrics.js';

/** The part of a job that the metrics show. */
interface Job {
  readonly name: string;
  readonly lastRunAt: Date | null;
  readonly nextRunAt: Date | null;
  readonly lastDurationMs: number | null;
  readonly lastFindingsCount: number | null;
  readonly failCount: number;
}

/** The last run of each job on any worker, read from the database when metrics are collected. */
export function watchJobs({ registry }: Metrics, jobs: { list(): Promise<readonly Job[]> }): void {
  // All gauges are collected together, with one read.
  const read = singleFlight(() => jobs.list().catch(() => []));
  const gauge = (name: string, help: string, readingOf: (job: Job) => number | null) =>
    new Gauge({
      name,
      help,
      labelNames: ['name'] as const,
      registers: [registry],
      async collect() {
        for (const job of await read()) {
          const value = readingOf(job);
          if (value !== null) this.set({ name: job.name }, value);
        }
      },
    });
  gauge('boxoffice_job_last_run_timestamp_seconds', 'When the job last started.', ({ lastRunAt }) =>
    lastRunAt ? lastRunAt.getTime() / 1000 : null,
  );
  gauge('boxoffice_job_next_run_timestamp_seconds', 'When the job starts next.', ({ nextRunAt }) =>
    nextRunAt ? nextRunAt.getTime() / 1000 : null,
  );
  gauge('boxoffice_job_last_duration_seconds', "Duration of the job's last run.", ({ lastDurationMs }) =>
    lastDurationMs === null ? null : lastDurationMs / 1000,
  );
  const findings = (name: string, help: string, jobName: string) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const count = (await read()).find((job) => job.name === jobName)?.lastFindingsCount;
        // Without a run there is no value; a zero would claim that nothing was found.
        if (count === null || count === undefined) this.remove();
        else this.set(count);
      },
    });
  findings('boxoffice_ledger_discrepancies', 'Discrepancies found by the last ledger verification.', 'verify-ledger');
  findings(
    'boxoffice_reconciliation_differences',
    'Differences with Stripe that the last reconciliation could not repair.',
    'reconcile',
  );
  gauge('boxoffice_job_failures', 'Number of consecutive failures of the job.', ({ failCount }) => failCount);
}
