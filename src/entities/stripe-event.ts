import { Entity, Enum, Index, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';

export const STRIPE_EVENT_STATUSES = ['RECEIVED', 'PROCESSED', 'IGNORED', 'FAILED'] as const;
export type StripeEventStatus = (typeof STRIPE_EVENT_STATUSES)[number];

/** An event delivered by webhook, stored once (the inbox). */
@Entity({ tableName: 'stripe_events' })
@Index({ name: 'stripe_events_by_time', properties: ['receivedAt', 'id'] })
@Index({
  name: 'stripe_events_due',
  expression: 'create index "stripe_events_due" on "stripe_events" ("next_attempt_at") where status = \'RECEIVED\'',
})
@Index({
  name: 'stripe_events_waiting_for_payment',
  expression:
    'create index "stripe_events_waiting_for_payment" on "stripe_events" ("waits_for_payment_intent_id") where waits_for_payment_intent_id is not null',
})
export class StripeEvent {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'text', unique: true })
  stripeId!: string;

  @Property({ type: 'text' })
  type!: string;

  @Enum({ type: 'text', items: () => [...STRIPE_EVENT_STATUSES] })
  status!: StripeEventStatus;

  /** The event as Stripe sent it. */
  @Property({ type: 'jsonb' })
  payload!: unknown;

  @Property({ type: 'int', default: 0 })
  attempts!: number;

  @Property({ type: 'text', nullable: true })
  lastError!: string | null;

  @Property({ type: 'timestamptz', length: 3 })
  receivedAt!: Date;

  @Property({ type: 'timestamptz', length: 3, nullable: true })
  processedAt!: Date | null;

  @Property({ type: 'timestamptz', length: 3, nullable: true })
  nextAttemptAt!: Date | null;

  /** Set while it must wait for this payment to be fulfilled, after which it is retried. */
  @Property({ type: 'text', nullable: true })
  waitsForPaymentIntentId!: string | null;
}
