import { Entity, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

/** Which customer at Stripe a viewer is. */
@Entity({ tableName: 'stripe_customers' })
export class StripeCustomer {
  @PrimaryKey({ type: 'uuid' })
  userId!: string;

  @Property({ type: 'text', unique: true })
  stripeCustomerId!: string;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;
}
