import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** Maps a viewer to their customer at Stripe. */
@Entity({ tableName: 'stripe_customers' })
export class StripeCustomer {
  @PrimaryKey({ type: 'uuid' })
  userId!: string;

  @Property({ type: 'text', unique: true })
  stripeCustomerId!: string;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;
}
