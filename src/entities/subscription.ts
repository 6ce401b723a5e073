import { Check, Entity, Index } from '@mikro-orm/decorators/legacy';
import { Id, Instant, Int, OneOf, Reference, Text } from './column-types.js';
import { SubscriptionVersion } from './subscription-version.js';

export const SUBSCRIPTION_STATUSES = ['DRAFT', 'ACTIVE', 'ARCHIVED'] as const;
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

export const STRIPE_SYNC_STATUSES = ['NOT_NEEDED', 'PENDING', 'SYNCED'] as const;
export type StripeSyncStatus = (typeof STRIPE_SYNC_STATUSES)[number];

/** A plan. It has the fields that can change without a new version; the others are in its versions. */
@Entity({ tableName: 'subscriptions' })
@Index({ name: 'subscriptions_to_synchronise', properties: ['stripeSyncDueAt'], where: "stripe_sync_status = 'PENDING'" })
@Index({ name: 'subscriptions_by_status', properties: ['status', 'id'] })
@Check({ name: 'subscriptions_title_length', expression: 'length(title) >= 1 and length(title) <= 200' })
export class Subscription {
  @Id() id!: string;
  @Text() title!: string;
  @Text() description!: string;
  @OneOf(SUBSCRIPTION_STATUSES) status!: SubscriptionStatus;
  /** The current version. Null only inside the transaction that creates the subscription. */
  @Reference(() => SubscriptionVersion, { nullable: true }) currentVersionId!: string | null;
  @Instant() createdAt!: Date;
  @Instant() updatedAt!: Date;
  @Text({ nullable: true, unique: true }) stripeProductId!: string | null;
  @OneOf(STRIPE_SYNC_STATUSES, { default: 'NOT_NEEDED' }) stripeSyncStatus!: StripeSyncStatus;
  @Instant({ nullable: true }) stripeSyncedAt!: Date | null;
  /** When the job retries the synchronisation. */
  @Instant({ nullable: true }) stripeSyncDueAt!: Date | null;
  @Int({ default: 0 }) stripeSyncAttempts!: number;
  @Text({ nullable: true }) stripeSyncError!: string | null;
}
