import { closeExpiredOrders, type OrderClosing } from './close-expired-orders.js';
import { expireGrants, type GrantExpiry } from './expire-grants.js';
import type { JobDefinition } from './job.js';
import { processStripeEvents, type StripeEventProcessing } from './process-stripe-events.js';
import { type ReconciliationRun, reconcile } from './reconcile.js';
import { releaseStaleHolds, type StaleHoldRelease } from './release-stale-holds.js';
import { type CatalogueRepair, repairCatalogueSync } from './repair-catalogue-sync.js';
import { type RefundResumption, resumeRefunds } from './resume-refunds.js';
import { type BalanceSnapshots, snapshotBalances } from './snapshot-balances.js';
import { type Sweepers, sweep } from './sweep.js';
import { type LedgerVerification, verifyLedgerJob } from './verify-ledger.js';

/** What the jobs call. */
export interface JobServices {
  readonly grants: GrantExpiry;
  readonly snapshots: BalanceSnapshots;
  readonly stripeInbox: StripeEventProcessing;
  readonly refunds: RefundResumption & StaleHoldRelease;
  readonly purchases: OrderClosing;
  readonly catalogueSync: CatalogueRepair;
  readonly reconciliation: ReconciliationRun;
  readonly verifyLedger: LedgerVerification;
  readonly sweepers: Sweepers;
}

/** The batch size, and the schedules of what runs often, in milliseconds. */
export interface JobLimits {
  readonly jobBatchCount: number;
  readonly expireGrantsIntervalMs: number;
  readonly processStripeEventsIntervalMs: number;
  readonly resumeRefundsIntervalMs: number;
  readonly releaseStaleHoldsIntervalMs: number;
  readonly closeOrdersIntervalMs: number;
  readonly synchroniseCatalogueIntervalMs: number;
  readonly snapshotBalancesIntervalMs: number;
  readonly sweepIntervalMs: number;
}

/** The schedules of what has its hour: cron lines of five fields, in UTC. */
export interface JobHours {
  readonly reconcileCron: string;
  readonly verifyLedgerCron: string;
}

/** Every job there is, by name. */
export function jobDefinitions(services: JobServices, limits: JobLimits, hours: JobHours): JobDefinition[] {
  const batch = limits.jobBatchCount;
  return [
    closeExpiredOrders(services.purchases, limits.closeOrdersIntervalMs, batch),
    expireGrants(services.grants, limits.expireGrantsIntervalMs, batch),
    processStripeEvents(services.stripeInbox, limits.processStripeEventsIntervalMs, batch),
    reconcile(services.reconciliation, hours.reconcileCron),
    releaseStaleHolds(services.refunds, limits.releaseStaleHoldsIntervalMs, batch),
    repairCatalogueSync(services.catalogueSync, limits.synchroniseCatalogueIntervalMs, batch),
    resumeRefunds(services.refunds, limits.resumeRefundsIntervalMs, batch),
    snapshotBalances(services.snapshots, limits.snapshotBalancesIntervalMs, batch),
    sweep(services.sweepers, limits.sweepIntervalMs),
    verifyLedgerJob(services.verifyLedger, hours.verifyLedgerCron),
  ];
}
