import type { Film } from '../entities/film.js';
import type { Grant } from '../entities/grant.js';
import type { Order } from '../entities/order.js';
import type { Reconciliation } from '../entities/reconciliation.js';
import type { ReconciliationFinding } from '../entities/reconciliation-finding.js';
import type { Refund, RefundDestination } from '../entities/refund.js';
import type { StripeEvent, StripeEventStatus } from '../entities/stripe-event.js';
import type { StripeSyncStatus, SubscriptionStatus } from '../entities/subscription.js';
import type { Transaction } from '../entities/transaction.js';
import type { BillingError } from '../services/billing-error.js';
import type { Caller } from '../services/caller.js';
import type { Page } from '../services/cursor.js';
import type { BalanceRead } from '../services/history/balances.js';
import type { History } from '../services/history/history.js';
import type { Money } from '../services/money.js';
import type { StripeInbox } from '../services/stripe-inbox/stripe-inbox.js';
import type {
  CreateFilmInput,
  CreateSubscriptionInput,
  UpdateFilmInput,
  UpdateSubscriptionInput,
} from './types/catalogue-inputs.js';
import type {
  AdjustBalanceInput,
  GiftGrantInput,
  PurchaseInput,
  RefundGrantInput,
  RefundTransactionInput,
  RevokeGrantInput,
  TopUpInput,
} from './types/money-inputs.js';

/** What a mutation gives: what it made, when it made it, and the expected failures. */
type Payload<Made> = Promise<
  { readonly [Name in keyof Made]?: Made[Name] | null } & { readonly errors: readonly BillingError[] }
>;

interface PageOf {
  readonly first: number;
  readonly after?: string | null;
}

/** A subscription with one of its versions: the one on sale, or the one that was sold. */
export interface SubscriptionAtVersion {
  readonly id: string;
  readonly versionId: string;
  readonly version: number;
  readonly title: string;
  readonly description: string;
  readonly status: SubscriptionStatus;
  readonly durationDays: number;
  readonly pricePerDay: number;
  readonly price: number;
  readonly currency: string;
  readonly stripeProductId: string | null;
  readonly stripePriceId: string | null;
  readonly stripeSyncStatus: StripeSyncStatus;
  readonly stripeSyncedAt: Date | null;
  readonly stripeSyncAttempts: number;
  readonly stripeSyncError: string | null;
}

export interface AccessDecision {
  readonly filmId: string;
  readonly allowed: boolean;
  readonly reason: string;
  readonly availableUntil: Date | null;
  readonly grantId: string | null;
}

export interface RefundQuote {
  readonly unusedDays: number;
  readonly amount: Money;
  readonly destination: RefundDestination;
}

export interface CatalogueReads {
  filmsByIds(ids: readonly string[]): Promise<Film[]>;
  films(request: PageOf & { search?: string | null }): Promise<Page<Film>>;
  /** One page for each version, in their order. */
  filmsOfVersions(versionIds: readonly string[], request: PageOf): Promise<Page<Film>[]>;
  /** At the version that is on sale or would be. */
  subscriptionsByIds(ids: readonly string[]): Promise<SubscriptionAtVersion[]>;
  subscriptionsByVersionIds(versionIds: readonly string[]): Promise<SubscriptionAtVersion[]>;
  subscriptions(request: PageOf & { status: SubscriptionStatus }): Promise<Page<SubscriptionAtVersion>>;
  /** On sale, cheapest first; one page for each film, in their order. */
  subscriptionsOfFilms(filmIds: readonly string[], request: PageOf): Promise<Page<SubscriptionAtVersion>[]>;
}

export interface CatalogueWrites {
  createFilms(caller: Caller, input: CreateFilmInput[]): Payload<{ films: readonly Film[] }>;
  updateFilm(caller: Caller, input: UpdateFilmInput): Payload<{ film: Film }>;
  createSubscription(caller: Caller, input: CreateSubscriptionInput): Payload<{ subscription: SubscriptionAtVersion }>;
  updateSubscription(caller: Caller, input: UpdateSubscriptionInput): Payload<{ subscription: SubscriptionAtVersion }>;
  activateSubscription(caller: Caller, id: string): Payload<{ subscription: SubscriptionAtVersion }>;
  archiveSubscription(caller: Caller, id: string): Payload<{ subscription: SubscriptionAtVersion }>;
}

export interface JobRead {
  readonly name: string;
  readonly schedule: string;
  readonly running: boolean;
  readonly lastRunAt: Date | null;
  readonly nextRunAt: Date | null;
  readonly lastDurationMs: number | null;
  readonly lastResult: string | null;
  readonly lastError: string | null;
  readonly failCount: number;
}

export interface LedgerReport {
  readonly balancesChecked: number;
  readonly transactionsChecked: number;
  readonly discrepancies: readonly { userId: string | null; rule: string; expected: string; found: string }[];
}

/** What the resolvers ask of the services: all of it, and nothing more. */
export interface RequiredServices {
  readonly history: History;
  readonly catalogue: CatalogueReads;
  readonly catalogueAdmin: CatalogueWrites;
  readonly access: {
    /** One decision per film, in the order asked; for nobody (null) as for a viewer who has bought nothing. */
    decide(userId: string | null, filmIds: readonly string[]): Promise<AccessDecision[]>;
  };
  readonly purchases: {
    purchase(caller: Caller, input: PurchaseInput): Payload<{ grant: Grant; order: Order; balance: BalanceRead }>;
    topUp(caller: Caller, input: TopUpInput): Payload<{ order: Order }>;
    cancelOrder(caller: Caller, orderId: string): Payload<{ order: Order }>;
    look(caller: Caller, orderId: string): Promise<Order | null>;
  };
  readonly refunds: {
    refundGrant(caller: Caller, input: RefundGrantInput): Payload<{ refund: Refund; grant: Grant; balance: BalanceRead }>;
    refundTransaction(
      caller: Caller,
      input: RefundTransactionInput,
    ): Payload<{ refund: Refund; grant: Grant; balance: BalanceRead }>;
    /** What a refund of each grant would give now; null where nothing can be refunded. */
    quotes(grants: readonly Grant[]): Promise<(RefundQuote | null)[]>;
    /** What of each top-up can be refunded now, in minor units; null for other kinds. */
    refundables(transactions: readonly Transaction[]): Promise<(number | null)[]>;
  };
  readonly grants: {
    gift(caller: Caller, input: GiftGrantInput): Payload<{ grant: Grant }>;
    revoke(caller: Caller, input: RevokeGrantInput): Payload<{ grant: Grant }>;
  };
  readonly adjustments: {
    adjust(caller: Caller, input: AdjustBalanceInput): Payload<{ transaction: Transaction; balance: BalanceRead }>;
  };
  readonly verifyLedger: () => Promise<LedgerReport>;
  readonly stripeEvents: {
    page(request: PageOf & { status?: StripeEventStatus | null }): Promise<Page<StripeEvent>>;
    byIds(ids: readonly string[]): Promise<StripeEvent[]>;
  };
  readonly stripeInbox: Pick<StripeInbox, 'receive'> & {
    replay(caller: Caller, id: string): Payload<{ stripeEvent: StripeEvent }>;
  };
  readonly reconciliations: {
    page(request: PageOf): Promise<Page<Reconciliation>>;
    byIds(ids: readonly string[]): Promise<Reconciliation[]>;
    /** Gravest first, of all these runs. */
    findingsOf(ids: readonly string[]): Promise<ReconciliationFinding[]>;
  };
  readonly jobs: {
    list(): Promise<readonly JobRead[]>;
    run(caller: Caller, name: string): Payload<{ job: JobRead }>;
  };
  readonly live: {
    watchBalance(
      userId: string,
      after: string | null,
    ): Promise<AsyncIterableIterator<{ cursor: string; balance: BalanceRead; transactionId: string | null }>>;
    watchGrants(userId: string, after: string | null): Promise<AsyncIterableIterator<{ cursor: string; grantId: string }>>;
  };
}
