import { Entity, PrimaryKey } from '@mikro-orm/decorators/legacy';
import { Instant, Text } from './column-types.js';

/** Maps a viewer to their customer at Stripe. */
@Entity({ tableName: 'stripe_customers' })
export class StripeCustomer {
  @PrimaryKey({ type: 'uuid' }) userId!: string;
  @Text({ unique: true }) stripeCustomerId!: string;
  @Instant() createdAt!: Date;
}
