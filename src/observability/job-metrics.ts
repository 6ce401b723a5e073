import { singleFlight } from '../runtime/concurrency.js';
import { addGauge, type Metrics } from './metrics.js';

/** The part of a job that the metrics show. */
interface Job {
  readonly name: string;
  readonly lastRunAt: Date | null;
  readonly nextRunAt: Date | null;
  readonly lastDurationMs: number | null;
  readonly lastFindingsCount: number | null;
  readonly failCount: number;
}

/** The part of the verification that the metrics show. */
interface Standing {
  readonly viewers: number;
  readonly verified: number;
  readonly oldestVerifiedAt: Date | null;
}

const seconds = (instant: Date | null) => instant && instant.getTime() / 1_000;

/** The last run of each job on any worker, read from the database when metrics are collected. */
export function watchJobs(metrics: Metrics, jobs: { list(): Promise<readonly Job[]> }): void {
  // All gauges are collected together, with one read.
  const read = singleFlight(() => jobs.list().catch(() => []));
  const ofEach = (name: string, help: string, readingOf: (job: Job) => number | null) =>
    addGauge(metrics, [name, help, 'name'], async (gauge) => {
      for (const job of await read()) {
        const value = readingOf(job);
        if (value !== null) gauge.set({ name: job.name }, value);
      }
    });
  ofEach('boxoffice_job_last_run_timestamp_seconds', 'When the job last started.', (job) => seconds(job.lastRunAt));
  ofEach('boxoffice_job_next_run_timestamp_seconds', 'When the job starts next.', (job) => seconds(job.nextRunAt));
  ofEach(
    'boxoffice_job_last_duration_seconds',
    "Duration of the job's last run.",
    ({ lastDurationMs }) => lastDurationMs && lastDurationMs / 1_000,
  );
  ofEach('boxoffice_job_failures', 'Number of consecutive failures of the job.', ({ failCount }) => failCount);
  const findingsOf = (jobName: string, name: string, help: string) =>
    addGauge(metrics, [name, help], async (gauge) => {
      const count = (await read()).find((job) => job.name === jobName)?.lastFindingsCount;
      // Without a run there is no value; a zero would claim that nothing was found.
      if (count === null || count === undefined) gauge.remove();
      else gauge.set(count);
    });
  findingsOf('verify-ledger', 'boxoffice_ledger_discrepancies', 'Discrepancies open after the last ledger verification.');
  findingsOf(
    'reconcile',
    'boxoffice_reconciliation_differences',
    'Differences with Stripe that the last reconciliation could not repair.',
  );
}

/** What the verification of the ledger has covered. Its open discrepancies are the findings of the job `verify-ledger`. */
export function watchVerification(metrics: Metrics, verification: { standing(): Promise<Standing> }): void {
  const read = singleFlight(() => verification.standing().catch(() => null));
  const add = (name: string, help: string, readingOf: (standing: Standing) => number | null) =>
    addGauge(metrics, [name, help], async (gauge) => {
      const standing = await read();
      const value = standing && readingOf(standing);
      if (value === null) gauge.remove();
      else gauge.set(value);
    });
  add('boxoffice_ledger_viewers', 'Viewers after the last round of the verification.', ({ viewers }) => viewers);
  add('boxoffice_ledger_viewers_verified', 'How many of them were verified within the last cycle.', ({ verified }) => verified);
  add(
    'boxoffice_ledger_oldest_verification_timestamp_seconds',
    'When the viewer was verified whose verification is the oldest.',
    ({ oldestVerifiedAt }) => seconds(oldestVerifiedAt),
  );
}
