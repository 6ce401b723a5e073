import type { PaymentMethod } from '../../entities/grant.js';

/** A grant about to be created, with the id of the SPENDING that will pay for it. */
export interface NewGrant {
  readonly id: string;
  readonly spendingId: string;
  readonly versionId: string;
  readonly paidWith: PaymentMethod;
  /** In minor units. */
  readonly pricePerDay: number;
  readonly durationDays: number;
  readonly grantedAt: Date;
  readonly availableUntil: Date;
  readonly orderId: string | null;
}
