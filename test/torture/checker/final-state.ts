/**
 * What the database and Stripe have when everything has settled. Amounts are in minor units, instants milliseconds since 1970 by the
 * database's clock.
 */
export interface FinalState {
  readonly plans: readonly PlanRow[];
  readonly journal: readonly JournalRow[];
  readonly balances: readonly BalanceRow[];
  readonly transactions: readonly TransactionRow[];
  readonly grants: readonly GrantRow[];
  readonly holds: readonly HoldRow[];
  readonly refunds: readonly RefundRow[];
  readonly orders: readonly OrderRow[];
  readonly disputes: readonly DisputeRow[];
  readonly keys: readonly KeyRow[];
  readonly stripe: StripeState;
  /** What `verifyLedger` reports. */
  readonly discrepancies: readonly string[];
  /** What reconciliation with Stripe could not repair. */
  readonly differences: readonly string[];
  /** What had not ended after all the time that it was given, such as PENDING refunds. */
  readonly unsettled: readonly string[];
}

export interface PlanRow {
  readonly subscriptionId: string;
  readonly versionId: string;
  readonly price: number;
  readonly durationDays: number;
  readonly filmIds: readonly string[];
}

/** One entry of a viewer's journal, as docs/journal.md describes it. */
export interface JournalRow {
  readonly viewer: string;
  readonly sequence: number;
  readonly kind: 'GENESIS' | 'MOVEMENT' | 'HOLD' | 'GRANT' | 'ORDER' | 'REFUND' | 'DISPUTE';
  /** The transaction, hold, grant, order, refund or dispute. */
  readonly subjectId: string | null;
  /** Null when the balance did not change; so are `posted` and `held`. */
  readonly version: number | null;
  readonly posted: number | null;
  readonly held: number | null;
  /** What the change left of the subject, as Postgres prints it; null for a movement. */
  readonly state: string | null;
  readonly actorId: string | null;
  /** The database transaction that wrote it. */
  readonly position: string;
  /** Microseconds since 2000, as text. */
  readonly createdAt: string;
  readonly form: number;
  /** In hexadecimal. */
  readonly digest: string;
  readonly hash: string;
}

export interface BalanceRow {
  readonly viewer: string;
  readonly posted: number;
  readonly held: number;
  readonly version: number;
  /** The number of the viewer's last journal entry. */
  readonly sequence: number;
}

export interface TransactionRow {
  readonly id: string;
  readonly viewer: string;
  readonly kind: 'TOP_UP' | 'SPENDING' | 'REFUND' | 'ADJUSTMENT' | 'DISPUTE';
  readonly amount: number;
  readonly balanceAfter: number;
  readonly version: number;
  readonly counterAccount: string;
  readonly atMs: number;
  readonly orderId: string | null;
  readonly grantId: string | null;
  readonly refundId: string | null;
  readonly disputeId: string | null;
}

export type GrantStatus = 'ACTIVE' | 'EXPIRED' | 'REFUNDED' | 'REVOKED' | 'SUSPENDED';

export interface GrantRow {
  readonly id: string;
  readonly viewer: string;
  readonly versionId: string;
  readonly status: GrantStatus;
  readonly paidWith: 'CARD' | 'BALANCE' | 'GIFT';
  readonly durationDays: number;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly orderId: string | null;
  readonly reason: string | null;
  readonly actorId: string | null;
}

export interface HoldRow {
  readonly id: string;
  readonly viewer: string;
  readonly refundId: string;
  readonly amount: number;
  readonly status: 'PENDING' | 'CAPTURED' | 'RELEASED';
}

export interface RefundRow {
  readonly id: string;
  readonly viewer: string;
  readonly origin: 'REQUEST' | 'STRIPE';
  readonly destination: 'CARD' | 'BALANCE';
  readonly status: 'PENDING' | 'SUCCEEDED' | 'FAILED';
  readonly amount: number;
  readonly grantId: string | null;
  readonly transactionId: string | null;
  readonly orderId: string | null;
  readonly stripeId: string | null;
}

export interface OrderRow {
  readonly id: string;
  readonly viewer: string;
  readonly kind: 'PURCHASE' | 'TOP_UP';
  readonly status: 'OPEN' | 'PROCESSING' | 'PAID' | 'EXPIRED' | 'FAILED' | 'CANCELLED';
  readonly amount: number;
  readonly captured: number | null;
  readonly versionId: string | null;
  readonly paymentId: string | null;
}

export interface DisputeRow {
  readonly id: string;
  readonly viewer: string;
  readonly orderId: string;
  readonly stripeId: string;
  readonly outcome: 'OPEN' | 'WON' | 'LOST';
  readonly withdrawn: number;
  readonly reinstated: number;
}

/** An idempotency key and the references that its first answer had. */
export interface KeyRow {
  readonly caller: string;
  readonly key: string;
  readonly operation: string;
  readonly grantId: string | null;
  readonly orderId: string | null;
  readonly refundId: string | null;
  readonly transactionId: string | null;
}

export interface StripeState {
  readonly sessions: readonly { id: string; orderId: string | null; paid: boolean; amount: number; paymentId: string | null }[];
  readonly payments: readonly { id: string; captured: number }[];
  readonly refunds: readonly { id: string; paymentId: string; amount: number; status: string; refundId: string | null }[];
  readonly disputes: readonly { id: string; paymentId: string; status: string; withdrawn: number; reinstated: number }[];
}
