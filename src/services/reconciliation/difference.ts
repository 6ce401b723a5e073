import type { ReconciliationFindingKind } from '../../entities/reconciliation-finding.js';

/** One thing that stands differently here and at Stripe. */
export interface Difference {
  readonly kind: ReconciliationFindingKind;
  /** Stripe's object. */
  readonly stripeId: string | null;
  readonly orderId: string | null;
  readonly userId: string | null;
  /** What should be, and what is, in words. */
  readonly detail: string;
  /** Would applying Stripe's object once more mend it? */
  readonly repairable: boolean;
}

/** An amount in the currency's minor unit, for people. */
export const money = (amount: number | null, currency: string | null): string =>
  `${amount ?? 'unknown'} ${currency?.toUpperCase() ?? ''} (minor units)`;
