import type Stripe from 'stripe';
import type { Config } from '../config/config.js';
import { ledgerRootKey } from '../config/ledger-roots.js';
import type { Clock } from '../runtime/clock.js';
import { describeFailure } from '../runtime/describe-failure.js';
import type { Database } from '../stores/database.js';
import type { HintChannel } from '../stores/hints.js';
import type { OpenSessions } from '../stores/open-sessions.js';
import { STRIPE_API_VERSION } from '../stores/stripe.js';
import { Access } from './access/access.js';
import { Accounts } from './accounts/accounts.js';
import type { Caller } from './caller.js';
import { Catalogue } from './catalogue/catalogue.js';
import { CatalogueAdmin } from './catalogue/catalogue-admin.js';
import { CatalogueSync } from './catalogue/catalogue-sync.js';
import { StripeCustomers } from './catalogue/stripe-customers.js';
import { Disputes } from './disputes/disputes.js';
import { Grants } from './grants/grants.js';
import type { Jobs } from './jobs/jobs.js';
import { Adjustments } from './ledger/adjustments.js';
import { sweepIdempotencyRecords } from './ledger/idempotency.js';
import { Ledger } from './ledger/ledger.js';
import type { Moved } from './ledger/unit.js';
import { LiveFeed } from './live/live-feed.js';
import { LedgerRoots } from './proofs/ledger-roots.js';
import { Proofs } from './proofs/proofs.js';
import { RootStore } from './proofs/root-store.js';
import { RootVerification } from './proofs/verify-roots.js';
import { BuyFromBalance } from './purchases/buy-from-balance.js';
import { Checkout } from './purchases/checkout.js';
import { Fulfilment } from './purchases/fulfilment.js';
import { OpenOrder } from './purchases/open-order.js';
import { OrderSessions } from './purchases/order-sessions.js';
import { Purchases } from './purchases/purchases.js';
import { ReconciliationStore } from './reconciliation/reconciliation-store.js';
import { StripeReconciliation } from './reconciliation/stripe-reconciliation.js';
import { Payout } from './refunds/payout.js';
import { Refunds } from './refunds/refunds.js';
import { StripeRefunds } from './refunds/stripe-refunds.js';
import { StripeInbox } from './stripe-events/stripe-inbox.js';
import { StandingVerification } from './verification/standing-verification.js';
import { VerificationStore } from './verification/verification-store.js';
import { type VerifyOptions, verifyLedger } from './verification/verify-ledger.js';

export interface ServiceDependencies {
  readonly config: Config;
  readonly database: Database;
  readonly hints: HintChannel;
  readonly stripe: Stripe;
  readonly openSessions: OpenSessions;
  readonly clock: Clock;
  /** Checks the age of Stripe's signatures; defaults to `clock`. */
  readonly realClock?: Clock;
  readonly logger: { error(details: object, message: string): void };
  /** From 0 to 1; spreads retries. Defaults to `Math.random`. */
  readonly random?: () => number;
  /** For metrics. */
  readonly watch?: ServiceWatch;
}

/** Observes what happens in the services. Its methods must neither throw nor wait. */
export interface ServiceWatch {
  moneyMoved(movement: Moved): void;
  /** Called with the time between a change and its delivery to a client. */
  liveLag(seconds: number): void;
}

export type Services = ReturnType<typeof composeServices>;

/** All services of the app: the jobs run the other services, so they are created after them. */
export type AppServices = Services & { readonly jobs: Jobs };

/**
 * Runs a stored document (a query or mutation) for a caller and returns the response as JSON text, with expected and unexpected errors in
 * it, like a POST.
 */
export type RunDocument = (
  document: string,
  variables: Readonly<Record<string, unknown>> | null,
  caller: Caller,
) => Promise<string>;

/** Creates every service once, in order of their dependencies. */
export function composeServices(dependencies: ServiceDependencies) {
  const { config, database, hints, clock } = dependencies;
  const { limits, currency } = config;
  const catalogueParts = composeCatalogue(dependencies);
  const retryWaitingEvents = (paymentIntentId: string): void => stripeParts.stripeInbox.retryWaitingEvents(paymentIntentId);
  const money = composeMoney(dependencies, catalogueParts, retryWaitingEvents);
  const stripeParts = composeStripe(dependencies, money, catalogueParts);
  const accounts = new Accounts({ database, currency, pageMaximumCount: limits.pageMaximumCount });
  const live = new LiveFeed({
    database,
    hints,
    currency,
    clock,
    settings: {
      batchCount: limits.liveBatchCount,
      sweepIntervalMs: limits.liveSweepIntervalMs,
      quietSweepIntervalMs: Math.max(limits.liveQuietSweepIntervalMs, limits.liveSweepIntervalMs),
      retentionMs: limits.liveEventRetentionMs,
    },
    onError: (error) => dependencies.logger.error({ reason: describeFailure(error) }, 'live events could not be read'),
    onLag: (seconds) => dependencies.watch?.liveLag(seconds),
  });
  return {
    ...catalogueParts,
    ...money,
    ...stripeParts,
    ...composeProofs(dependencies),
    accounts,
    live,
    access: new Access(database, clock, limits),
    /** Everything at once, from the first movement; the job verifies in rounds. */
    verifyLedger: (options?: VerifyOptions) => verifyLedger(database, options),
    verification: new StandingVerification({
      ...{ database, clock, store: new VerificationStore(database) },
      settings: { budgetMs: limits.verifyLedgerBudgetMs, cycleNights: limits.verifyLedgerCycleNights },
    }),
    sweepers: {
      'idempotency records': (signal: AbortSignal) => {
        const before = new Date(clock.now().getTime() - limits.idempotencyRetentionMs);
        return sweepIdempotencyRecords(database, before, limits.jobBatchCount, signal);
      },
    },
    /** Stops background work; a job resumes whatever was interrupted. */
    async close() {
      await live.stop();
      await stripeParts.stripeInbox.close();
      await catalogueParts.catalogueSync.settled();
    },
  };
}

function composeCatalogue({ config, database, stripe, clock, logger, random }: ServiceDependencies) {
  const { limits, currency } = config;
  const catalogue = new Catalogue(database, limits);
  const catalogueSync = new CatalogueSync({ database, stripe, clock, logger, ...(random && { random }) });
  const catalogueAdmin = new CatalogueAdmin({ database, clock, catalogue, copier: catalogueSync, currency, limits });
  return { catalogue, catalogueSync, catalogueAdmin };
}

/** Every service that moves money. All of them write through the ledger. */
function composeMoney(
  { config, database, hints, stripe, clock, openSessions, watch, random = Math.random }: ServiceDependencies,
  { catalogue, catalogueSync }: ReturnType<typeof composeCatalogue>,
  onFulfilled: (paymentIntentId: string) => void,
) {
  const { limits, currency, http } = config;
  const ledger = new Ledger({ database, clock, hints, watch });
  const checkout = new Checkout(database, stripe, catalogueSync, new StripeCustomers(database, stripe, clock));
  const fulfilment = new Fulfilment(database, ledger, onFulfilled);
  const sessions = new OrderSessions(database, clock, ledger, checkout, fulfilment);
  const stripeRefunds = new StripeRefunds(database, ledger);
  const payout = new Payout(database, stripe, clock, stripeRefunds, random);
  const fromBalance = new BuyFromBalance(database, ledger, catalogue, clock);
  const openOrder = new OpenOrder(database, clock, ledger, sessions, openSessions);
  return {
    ledger,
    fulfilment,
    sessions,
    stripeRefunds,
    payout,
    purchases: new Purchases(database, clock, ledger, catalogue, fromBalance, sessions, openOrder, {
      currency,
      topUpMinimum: limits.topUpMinimumMinorUnits,
      topUpMaximum: limits.topUpMaximumMinorUnits,
      paymentMinimum: limits.paymentMinimumMinorUnits,
      paymentMaximum: limits.paymentMaximumMinorUnits,
      checkoutLifetimeMs: limits.checkoutSessionLifetimeMs,
      allowedOrigins: http.allowedOrigins,
      defaultReturnUrl: `${http.publicUrl}/?order={ORDER_ID}`,
    }),
    orderSessions: sessions,
    refunds: new Refunds(database, clock, ledger, payout, limits.holdLifetimeMs),
    disputes: new Disputes(database, ledger),
    grants: new Grants(database, ledger, catalogue, limits.subscriptionDurationMaximumDays),
    adjustments: new Adjustments(database, ledger, { currency, maxAmount: limits.adjustmentMaximumMinorUnits }),
  };
}

/** What proves that history has not been rewritten. */
function composeProofs({ config, database, clock }: ServiceDependencies) {
  const { limits, ledgerRoots } = config;
  const rootStore = new RootStore(database, limits.pageMaximumCount);
  return {
    rootStore,
    proofs: new Proofs(database, rootStore),
    rootVerification: new RootVerification(database, rootStore),
    ledgerRoots: new LedgerRoots({
      database,
      clock,
      store: rootStore,
      key: () => ledgerRootKey(config),
      settings: {
        command: ledgerRoots.command,
        commandTimeoutMs: limits.ledgerRootCommandTimeoutMs,
        file: ledgerRoots.file,
        headsCount: limits.ledgerRootHeadsCount,
      },
    }),
  };
}

/** What Stripe sends us, and how we verify it against Stripe. */
function composeStripe(
  { config, database, stripe, clock, realClock = clock, logger }: ServiceDependencies,
  money: ReturnType<typeof composeMoney>,
  { catalogueSync }: ReturnType<typeof composeCatalogue>,
) {
  const { limits } = config;
  const stripeInbox = new StripeInbox({
    database,
    ledger: money.ledger,
    stripe,
    effects: money,
    clock,
    realClock,
    settings: {
      webhookSecrets: config.stripe.webhookSecrets,
      toleranceSeconds: limits.webhookToleranceSeconds,
      concurrency: limits.jobConcurrencyCount,
      queueCapacity: limits.stripeEventQueueCount,
      pageMaximumCount: limits.pageMaximumCount,
      maxAttempts: limits.stripeEventAttemptsCount,
      backoffMs: limits.stripeEventBackoffMs,
      backoffMaximumMs: limits.stripeEventBackoffMaximumMs,
      liveMode: config.stripe.secretKey.includes('_live_'),
      accountId: config.stripe.accountId,
      apiVersion: STRIPE_API_VERSION,
    },
    onError: (error, eventOrPaymentId) =>
      logger.error({ reason: describeFailure(error), eventOrPaymentId }, 'a Stripe event could not be processed'),
    onReport: (problem, eventId) => logger.error({ problem, eventId }, 'Stripe reported something that needs manual attention'),
  });
  const reconciliations = new ReconciliationStore(database, limits.pageMaximumCount);
  const settings = { overlapMs: limits.reconcileOverlapMs, lookBackMs: limits.reconcileLookBackMs };
  const reconciliation = new StripeReconciliation({
    database,
    stripe,
    inbox: stripeInbox,
    effects: money,
    store: reconciliations,
    copyAgain: (subscriptionId) => catalogueSync.copyAgain(subscriptionId),
    clock,
    settings,
  });
  return { stripeInbox, reconciliations, reconciliation };
}
