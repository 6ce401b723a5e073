import type { JobHoursConfig, Limits } from '../config/config.js';
import type { LedgerRoots } from '../services/proofs/ledger-roots.js';
import { describeMoved } from '../services/reconciliation/reconciliation-store.js';
import type { StripeReconciliation } from '../services/reconciliation/stripe-reconciliation.js';
import type { Services } from '../services/services.js';
import { drainBatches } from './drain-batches.js';
import type { JobContext, JobDefinition } from './job.js';

/** One job: how often it runs, what it does, and how its result is worded in the query `jobs` and in the log. */
type Row<Result> = { readonly name: string } & ({ readonly everyMs: number } | { readonly cron: string }) & {
    /** Idempotent: it may run in several workers, be killed at any line and run again. Throw to be retried early. */
    run(context: JobContext): Promise<Result>;
    report(result: Result): string;
  };

/** Every job, one row each. A new job is a row here and its interval in config/limits.ts. */
export function jobDefinitions(services: Services, limits: Limits, hours: JobHoursConfig): JobDefinition[] {
  const { catalogueSync, grants, orderSessions, payout, stripeInbox, sweepers } = services;
  const inBatches =
    (work: (limit: number, signal: AbortSignal) => Promise<number>) =>
    ({ signal }: JobContext) =>
      drainBatches((limit) => work(limit, signal), limits.jobBatchCount, signal);
  return [
    // Overdue orders that no webhook has settled: asks Stripe how they ended.
    job({
      name: 'close-expired-orders',
      everyMs: limits.closeOrdersIntervalMs,
      run: inBatches((limit) => orderSessions.closeDue(limit)),
      report: (count) => `${count} orders checked`,
    }),
    // Sets the status and pushes the change. Access is decided by time and does not wait for this.
    job({
      name: 'expire-grants',
      everyMs: limits.expireGrantsIntervalMs,
      run: inBatches((limit) => grants.expireDue(limit)),
      report: (count) => `${count} grants expired`,
    }),
    // Events left behind by a process that was killed, and failed events whose next attempt is due.
    job({
      name: 'process-stripe-events',
      everyMs: limits.processStripeEventsIntervalMs,
      run: inBatches((limit) => stripeInbox.processDue(limit)),
      report: (count) => `${count} events tried`,
    }),
    // Abandons payouts that Stripe does not have when their hold expires, so that their money is not held forever.
    job({
      name: 'release-stale-holds',
      everyMs: limits.releaseStaleHoldsIntervalMs,
      run: inBatches((limit, signal) => payout.releaseStaleHolds(limit, signal)),
      report: (count) => `${count} stale holds checked`,
    }),
    job({
      name: 'repair-catalogue-sync',
      everyMs: limits.synchroniseCatalogueIntervalMs,
      run: inBatches((limit) => catalogueSync.repairDue(limit)),
      report: (count) => `${count} subscriptions tried`,
    }),
    // Payouts that were interrupted or that Stripe has not answered, until their hold expires.
    job({
      name: 'resume-refunds',
      everyMs: limits.resumeRefundsIntervalMs,
      run: inBatches((limit, signal) => payout.resumeDue(limit, signal)),
      report: (count) => `${count} refunds resumed`,
    }),
    job({
      name: 'sweep',
      everyMs: limits.sweepIntervalMs,
      run: ({ signal }) => sweep(sweepers, signal),
      report: (removed) => removed.map(({ name, count }) => `${count} ${name}`).join(', '),
    }),
    ...dailyJobs(services, hours),
    job({
      name: 'verify-ledger',
      cron: hours.verifyLedgerCron,
      run: (context) => verify(services.verification, context),
      report: ({ verifiedNow, verified, viewers, openDiscrepancies }) =>
        `${verifiedNow} viewers verified, ${verified} of ${viewers} within the cycle, ${openDiscrepancies} discrepancies`,
    }),
  ];
}

function dailyJobs({ ledgerRoots, reconciliation }: Services, hours: JobHoursConfig): JobDefinition[] {
  return [
    job({
      name: 'reconcile',
      cron: hours.reconcileCron,
      run: (context) => reconcile(reconciliation, context),
      report: reportReconciliation,
    }),
    // Commits to the history of every viewer, outside the database.
    job({
      name: 'sign-ledger-root',
      cron: hours.signLedgerRootCron,
      run: (context) => signRoot(ledgerRoots, context),
      report: reportRoots,
    }),
  ];
}

function job<Result>({ name, run, report, ...schedule }: Row<Result>): JobDefinition {
  return {
    name,
    schedule: 'cron' in schedule ? { cron: schedule.cron } : { intervalMs: schedule.everyMs },
    run: async (context) => report(await run(context)),
  };
}

/** Discrepancies need manual attention: running the job again would not fix them, so they do not fail it. */
async function verify(verification: Services['verification'], { signal, warn, found }: JobContext) {
  const result = await verification.run({ signal });
  const { openDiscrepancies, inTime } = result;
  found(openDiscrepancies);
  if (openDiscrepancies > 0) warn(`the ledger has ${openDiscrepancies} discrepancies: see the query verifyLedger`);
  if (!inTime) warn('some viewers were not verified within VERIFY_LEDGER_CYCLE_NIGHTS: raise VERIFY_LEDGER_BUDGET_MS');
  return result;
}

type RootRun = Awaited<ReturnType<LedgerRoots['run']>>;

async function signRoot(ledgerRoots: Pick<LedgerRoots, 'run'>, { signal, warn }: JobContext): Promise<RootRun> {
  const run = await ledgerRoots.run(signal);
  if (!run) warn('no root of the ledger is signed: LEDGER_ROOT_PRIVATE_KEY is not set');
  return run;
}

function reportRoots(run: RootRun): string {
  if (!run) return 'no root: LEDGER_ROOT_PRIVATE_KEY is not set';
  const { signed, handedOutCount } = run;
  return `${signed ? `root ${signed.number} over ${signed.heads} journals` : 'no new root'}, ${handedOutCount} handed out`;
}

type ReconciliationResult = Awaited<ReturnType<StripeReconciliation['run']>>;

async function reconcile(reconciliation: Pick<StripeReconciliation, 'run'>, { signal, warn, found }: JobContext) {
  const result = await reconciliation.run({ signal });
  const { openFindingsCount, finished } = result;
  if (finished) found(openFindingsCount);
  if (openFindingsCount > 0) warn(`${openFindingsCount} differences with Stripe are open: see the query reconciliations`);
  return result;
}

function reportReconciliation(result: ReconciliationResult): string {
  const { objectsChecked, eventsReplayed, findingsCount, openFindingsCount, moved, finished } = result;
  const counts = `${objectsChecked} objects compared, ${eventsReplayed} events replayed, ${findingsCount} differences`;
  return unlessFinished(finished, `${counts}, ${openFindingsCount} open; ${describeMoved(moved)}`);
}

/** `finished`: false if the worker was stopped before the end. */
const unlessFinished = (finished: boolean, report: string) => (finished ? report : `${report}; stopped before the end`);

/** Removes rows past their retention. If one table fails, the others are still swept; the job fails afterwards. */
async function sweep(sweepers: Services['sweepers'], signal: AbortSignal): Promise<{ name: string; count: number }[]> {
  const names = Object.keys(sweepers);
  const results = await Promise.allSettled(Object.values(sweepers).map((remove) => remove(signal)));
  return results.map((result, index) => {
    if (result.status === 'rejected') throw result.reason;
    return { name: names[index] as string, count: result.value };
  });
}
