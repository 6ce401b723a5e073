import type { Access } from '../services/access/access.js';
import type { Accounts } from '../services/accounts/accounts.js';
import type { Catalogue } from '../services/catalogue/catalogue.js';
import type { CatalogueAdmin } from '../services/catalogue/catalogue-admin.js';
import type { Grants } from '../services/grants/grants.js';
import type { Jobs } from '../services/jobs/jobs.js';
import type { Adjustments } from '../services/ledger/adjustments.js';
import type { LedgerReport } from '../services/ledger/verify-ledger.js';
import type { LiveFeed } from '../services/live/live-feed.js';
import type { Purchases } from '../services/purchases/purchases.js';
import type { ReconciliationStore } from '../services/reconciliation/reconciliation-store.js';
import type { Refunds } from '../services/refunds/refunds.js';
import type { StripeInbox } from '../services/stripe-events/stripe-inbox.js';

/** The services that the gateway and the resolvers use, and nothing more of them. */
export interface RequiredServices {
  readonly accounts: Pick<Accounts, 'rows' | 'pages' | 'balances' | 'kindOf' | 'accountPage'>;
  readonly catalogue: Pick<
    Catalogue,
    | 'filmsByIds'
    | 'films'
    | 'filmsOfVersions'
    | 'subscriptionsByIds'
    | 'subscriptionsByVersionIds'
    | 'subscriptions'
    | 'subscriptionsOfFilms'
  >;
  readonly catalogueAdmin: Pick<
    CatalogueAdmin,
    'createFilms' | 'updateFilm' | 'createSubscription' | 'updateSubscription' | 'activateSubscription' | 'archiveSubscription'
  >;
  readonly access: Pick<Access, 'decide' | 'decideAny'>;
  readonly purchases: Pick<Purchases, 'purchase' | 'topUp' | 'cancelOrder' | 'look'>;
  readonly refunds: Pick<Refunds, 'refundGrant' | 'refundTransaction' | 'quotes' | 'refundables'>;
  readonly grants: Pick<Grants, 'gift' | 'revoke'>;
  readonly adjustments: Pick<Adjustments, 'adjust'>;
  readonly verifyLedger: () => Promise<LedgerReport>;
  readonly stripeInbox: Pick<StripeInbox, 'receive' | 'replay' | 'page' | 'byIds'>;
  readonly reconciliations: Pick<ReconciliationStore, 'page' | 'byIds' | 'findingsOf'>;
  readonly jobs: Pick<Jobs, 'list' | 'run'>;
  readonly live: Pick<LiveFeed, 'watchBalance' | 'watchGrants'>;
}
