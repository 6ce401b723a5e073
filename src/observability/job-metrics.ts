import { Gauge } from 'prom-client';
import { singleFlight } from '../runtime/concurrency.js';
import type { Metrics } from './metrics.js';

/** What the metrics show of a job. */
interface Job {
  readonly name: string;
  readonly lastRunAt: Date | null;
  readonly nextRunAt: Date | null;
  readonly lastDurationMs: number | null;
  readonly lastFindingsCount: number | null;
  readonly failCount: number;
}

/** How the last run of each job went, on whatever worker it was: read from the database when it is asked for. */
export function watchJobs({ registry }: Metrics, jobs: { list(): Promise<readonly Job[]> }): void {
  // The gauges are collected together.
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
  gauge('boxoffice_job_last_run_timestamp_seconds', 'When the job last began.', ({ lastRunAt }) =>
    lastRunAt ? lastRunAt.getTime() / 1000 : null,
  );
  gauge('boxoffice_job_next_run_timestamp_seconds', 'When the job is to begin next.', ({ nextRunAt }) =>
    nextRunAt ? nextRunAt.getTime() / 1000 : null,
  );
  gauge('boxoffice_job_last_duration_seconds', 'How long the last run of the job took.', ({ lastDurationMs }) =>
    lastDurationMs === null ? null : lastDurationMs / 1000,
  );
  const findings = (name: string, help: string, jobName: string) =>
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const count = (await read()).find((job) => job.name === jobName)?.lastFindingsCount;
        // Without a run there is nothing to tell, and a zero would be a claim.
        if (count === null || count === undefined) this.remove();
        else this.set(count);
      },
    });
  findings('boxoffice_ledger_discrepancies', 'What did not add up in the last verification of the ledger.', 'verify-ledger');
  findings(
    'boxoffice_reconciliation_differences',
    'Differences with Stripe that the last reconciliation left to people.',
    'reconcile',
  );
  gauge('boxoffice_job_failures', 'How often the job has failed in a row.', ({ failCount }) => failCount);
}
