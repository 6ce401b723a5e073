import { Entity, Index, Property } from '@mikro-orm/decorators/legacy';
import { Id, Instant, Int, OneOf, Text } from './column-types.js';

export const STRIPE_EVENT_STATUSES = ['RECEIVED', 'PROCESSED', 'IGNORED', 'FAILED'] as const;
export type StripeEventStatus = (typeof STRIPE_EVENT_STATUSES)[number];

/** An event delivered by webhook, stored once (the inbox). */
@Entity({ tableName: 'stripe_events' })
@Index({ name: 'stripe_events_by_time', properties: ['receivedAt', 'id'] })
@Index({ name: 'stripe_events_due', properties: ['nextAttemptAt'], where: "status = 'RECEIVED'" })
@Index({
  name: 'stripe_events_waiting_for_payment',
  properties: ['waitsForPaymentIntentId'],
  where: 'waits_for_payment_intent_id is not null',
})
export class StripeEvent {
  @Id() id!: string;
  @Text({ unique: true }) stripeId!: string;
  @Text() type!: string;
  @OneOf(STRIPE_EVENT_STATUSES) status!: StripeEventStatus;
  /** The event as Stripe sent it. */
  @Property({ type: 'jsonb' }) payload!: unknown;
  @Int({ default: 0 }) attempts!: number;
  @Text({ nullable: true }) lastError!: string | null;
  @Instant() receivedAt!: Date;
  @Instant({ nullable: true }) processedAt!: Date | null;
  @Instant({ nullable: true }) nextAttemptAt!: Date | null;
  /** Set while it must wait for this payment to be fulfilled, after which it is retried. */
  @Text({ nullable: true }) waitsForPaymentIntentId!: string | null;
}
