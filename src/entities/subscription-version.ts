import { Check, Entity, Unique } from '@mikro-orm/decorators/legacy';
import { Id, Instant, Int, MinorUnits, Reference, Text } from './column-types.js';
import { Subscription } from './subscription.js';

/** The price, duration and films of a subscription. Immutable (enforced by a trigger), except for the id of its price at Stripe. */
@Entity({ tableName: 'subscription_versions' })
@Unique({ name: 'subscription_versions_number', properties: ['subscriptionId', 'version'] })
@Check({ name: 'subscription_versions_price', expression: 'price >= 0 and price_per_day = price / duration_days' })
@Check({ name: 'subscription_versions_duration', expression: 'duration_days >= 1 and duration_days <= 3660' })
@Check({ name: 'subscription_versions_price_exact', expression: 'price <= 9007199254740991' })
@Check({ name: 'subscription_versions_film_count', expression: 'film_count >= 1 and film_count <= 10000' })
export class SubscriptionVersion {
  @Id() id!: string;
  @Reference(() => Subscription) subscriptionId!: string;
  @Int() version!: number;
  /** The price divided by the days, rounded down. */
  @MinorUnits() pricePerDay!: number;
  @Int() durationDays!: number;
  /** In total. */
  @MinorUnits() price!: number;
  @Text() currency!: string;
  /** How many films it has. They are inserted by one statement, and a trigger rejects any other number. */
  @Int() filmCount!: number;
  @Instant() createdAt!: Date;
  @Text({ nullable: true, unique: true }) stripePriceId!: string | null;
}
