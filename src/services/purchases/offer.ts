import type { SubscriptionStatus } from '../../entities/subscription.js';

/** The plan under a subscription's id, whether it is on sale or not. */
export interface Offer {
  readonly subscriptionId: string;
  readonly versionId: string;
  readonly status: SubscriptionStatus;
  readonly title: string;
  /** In minor units. */
  readonly price: number;
  readonly pricePerDay: number;
  readonly durationDays: number;
  readonly currency: string;
}

/** The part of the catalogue that selling needs. */
export interface Offers {
  /** From a short-lived cache, or from the database with `fresh`. Null when there is none. */
  offer(subscriptionId: string, options?: { fresh?: boolean }): Promise<Offer | null>;
}
