import { AuditEntry } from '../entities/audit-entry.js';
import { Balance } from '../entities/balance.js';
import { Dispute } from '../entities/dispute.js';
import { ErasableText } from '../entities/erasable-text.js';
import { Film } from '../entities/film.js';
import { Grant } from '../entities/grant.js';
import { Hold } from '../entities/hold.js';
import { IdempotencyRecord } from '../entities/idempotency-record.js';
import { JobState } from '../entities/job-state.js';
import { JournalEntry } from '../entities/journal-entry.js';
import { LedgerRoot } from '../entities/ledger-root.js';
import { LedgerRootHandover } from '../entities/ledger-root-handover.js';
import { LedgerRootHeads } from '../entities/ledger-root-heads.js';
import { Order } from '../entities/order.js';
import { Reconciliation } from '../entities/reconciliation.js';
import { ReconciliationFinding } from '../entities/reconciliation-finding.js';
import { Refund } from '../entities/refund.js';
import { StripeCustomer } from '../entities/stripe-customer.js';
import { StripeEvent } from '../entities/stripe-event.js';
import { Subscription } from '../entities/subscription.js';
import { SubscriptionVersion } from '../entities/subscription-version.js';
import { SubscriptionVersionDigest } from '../entities/subscription-version-digest.js';
import { SubscriptionVersionFilm } from '../entities/subscription-version-film.js';
import { Transaction } from '../entities/transaction.js';
import { VerificationState } from '../entities/verification-state.js';
import { ViewerVerification } from '../entities/viewer-verification.js';

/** All tables. */
export const entities = [
  Film,
  Subscription,
  SubscriptionVersion,
  SubscriptionVersionFilm,
  SubscriptionVersionDigest,
  Order,
  Grant,
  Balance,
  Transaction,
  Refund,
  Hold,
  Dispute,
  StripeCustomer,
  StripeEvent,
  JournalEntry,
  AuditEntry,
  ErasableText,
  LedgerRoot,
  LedgerRootHandover,
  LedgerRootHeads,
  IdempotencyRecord,
  Reconciliation,
  ReconciliationFinding,
  JobState,
  ViewerVerification,
  VerificationState,
];
