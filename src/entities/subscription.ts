import { Check, Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { SubscriptionVersion } from './subscription-version.js';

export const SUBSCRIPTION_STATUSES = ['DRAFT', 'ACTIVE', 'ARCHIVED'] as const;
export type SubscriptionStatus = (typeof SUBSCRIPTION_STATUSES)[number];

export const STRIPE_SYNC_STATUSES = ['NOT_NEEDED', 'PENDING', 'SYNCED'] as const;
export type StripeSyncStatus = (typeof STRIPE_SYNC_STATUSES)[number];

/** A plan. It has the fields that can change without a new version; the others are in its versions. */
@Entity({ tableName: 'subscriptions' })
@Index({
  name: 'subscriptions_to_synchronise',
  expression:
    'create index "subscriptions_to_synchronise" on "subscriptions" ("stripe_sync_due_at") where stripe_sync_status = \'PENDING\'',
})
@Index({ name: 'subscriptions_by_status', properties: ['status', 'id'] })
@Check({ name: 'subscriptions_title_length', expression: 'length(title) >= 1 and length(title) <= 200' })
export class Subscription {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'text' })
  title!: string;

  @Property({ type: 'text' })
  description!: string;

  @Enum({ type: 'text', items: () => [...SUBSCRIPTION_STATUSES] })
  status!: SubscriptionStatus;

  /** The current version. Null only inside the transaction that creates the subscription. */
  @ManyToOne(() => SubscriptionVersion, {
    mapToPk: true,
    fieldName: 'current_version_id',
    nullable: true,
    updateRule: 'no action',
    deleteRule: 'no action',
  })
  currentVersionId!: string | null;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;

  @Property({ type: 'timestamptz', length: 3 })
  updatedAt!: Date;

  @Property({ type: 'text', nullable: true, unique: true })
  stripeProductId!: string | null;

  @Enum({ type: 'text', items: () => [...STRIPE_SYNC_STATUSES], default: 'NOT_NEEDED' })
  stripeSyncStatus!: StripeSyncStatus;

  @Property({ type: 'timestamptz', length: 3, nullable: true })
  stripeSyncedAt!: Date | null;

  /** When the job retries the synchronisation. */
  @Property({ type: 'timestamptz', length: 3, nullable: true })
  stripeSyncDueAt!: Date | null;

  @Property({ type: 'int', default: 0 })
  stripeSyncAttempts!: number;

  @Property({ type: 'text', nullable: true })
  stripeSyncError!: string | null;
}
