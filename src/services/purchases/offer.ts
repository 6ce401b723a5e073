import type { SubscriptionStatus } from '../../entities/subscription.js';

/** What is on sale, or not, under a subscription's id. */
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

/** The catalogue, as far as selling needs it. */
export interface Offers {
  /** From a short-lived cache, or from the database with `fresh`. Null when there is none. */
  offer(subscriptionId: string, options?: { fresh?: boolean }): Promise<Offer | null>;
}
