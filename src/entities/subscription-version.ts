import { Check, Entity, ManyToOne, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import { minorUnits } from './column-types.js';
import { Subscription } from './subscription.js';

/** The price, duration and films of a subscription. Immutable (enforced by a trigger), except for the id of its price at Stripe. */
@Entity({ tableName: 'subscription_versions' })
@Unique({ name: 'subscription_versions_number', properties: ['subscriptionId', 'version'] })
@Check({ name: 'subscription_versions_price', expression: 'price_per_day >= 0 and price = price_per_day * duration_days' })
@Check({ name: 'subscription_versions_duration', expression: 'duration_days >= 1 and duration_days <= 3660' })
@Check({ name: 'subscription_versions_price_exact', expression: 'price <= 9007199254740991' })
@Check({ name: 'subscription_versions_film_count', expression: 'film_count >= 1 and film_count <= 10000' })
export class SubscriptionVersion {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @ManyToOne(() => Subscription, {
    mapToPk: true,
    fieldName: 'subscription_id',
    updateRule: 'no action',
    deleteRule: 'no action',
  })
  subscriptionId!: string;

  @Property({ type: 'int' })
  version!: number;

  @Property({ type: minorUnits() })
  pricePerDay!: number;

  @Property({ type: 'int' })
  durationDays!: number;

  @Property({ type: minorUnits() })
  price!: number;

  @Property({ type: 'text' })
  currency!: string;

  /** How many films it has. They are inserted by one statement, and a trigger rejects any other number. */
  @Property({ type: 'int' })
  filmCount!: number;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;

  @Property({ type: 'text', nullable: true, unique: true })
  stripePriceId!: string | null;
}
