import { Check, Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Id, Instant, Int, MinorUnits, OneOf, Reference, Text, Uuid } from './column-types.js';
import { SubscriptionVersion } from './subscription-version.js';

export const ORDER_KINDS = ['PURCHASE', 'TOP_UP'] as const;
export type OrderKind = (typeof ORDER_KINDS)[number];

export const ORDER_STATUSES = ['OPEN', 'PROCESSING', 'PAID', 'EXPIRED', 'FAILED', 'CANCELLED'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/**
 * One intent to pay at Stripe, and its payment: OPEN → PROCESSING → PAID; or EXPIRED, FAILED, CANCELLED. A payment that arrives for a
 * closed order still makes it PAID. A trigger rejects every other change of status.
 */
@Entity({ tableName: 'orders' })
@Index({ name: 'orders_by_user', properties: ['userId', 'createdAt', 'id'] })
@Unique({
  name: 'orders_one_open_purchase',
  properties: ['userId', 'versionId'],
  where: "status in ('OPEN', 'PROCESSING') and kind = 'PURCHASE'",
})
@Unique({ name: 'orders_one_open_top_up', properties: ['userId', 'amount'], where: "status = 'OPEN' and kind = 'TOP_UP'" })
@Index({ name: 'orders_open_by_expiry', properties: ['expiresAt'], where: "status in ('OPEN', 'PROCESSING')" })
@Check({ name: 'orders_amount', expression: 'amount >= 0 and amount <= 9007199254740991' })
@Check({ name: 'orders_purchase_has_a_version', expression: "(kind = 'PURCHASE') = (version_id is not null)" })
@Check({
  name: 'orders_paid',
  expression: "(status = 'PAID') = (captured_amount is not null) and (status = 'PAID') = (paid_at is not null)",
})
@Check({
  name: 'orders_payment',
  expression: 'captured_amount is null or captured_amount = 0 or stripe_payment_intent_id is not null',
})
export class Order {
  @Id() id!: string;
  @Uuid() userId!: string;
  @OneOf(ORDER_KINDS) kind!: OrderKind;
  @OneOf(ORDER_STATUSES) status!: OrderStatus;
  @MinorUnits() amount!: number;
  @Text() currency!: string;
  @Reference(() => SubscriptionVersion, { nullable: true }) versionId!: string | null;
  @Instant() createdAt!: Date;
  /** When the checkout session expires, and with it the order. */
  @Instant() expiresAt!: Date;
  /** Until when this order is claimed by the worker that checks its outcome at Stripe. */
  @Instant({ nullable: true }) leaseExpiresAt!: Date | null;
  @Instant({ nullable: true }) paidAt!: Date | null;
  @Instant({ nullable: true }) closedAt!: Date | null;
  /** Where Stripe sends the viewer after checkout. */
  @Text() returnUrl!: string;
  /** Null between the order's commit and Stripe's response; a retry continues with the same key at Stripe. */
  @Text({ nullable: true, unique: true }) stripeSessionId!: string | null;
  @Text({ nullable: true }) checkoutUrl!: string | null;
  /** How many sessions the order has had, including this one; part of the idempotency key at Stripe. */
  @Int({ default: 1 }) sessionNumber!: number;
  /** The previous session, to be expired at Stripe before another is opened. */
  @Text({ nullable: true, unique: true }) supersededSessionId!: string | null;
  /** Set before the session is expired at Stripe, so that a cancellation survives a crash. */
  @Instant({ nullable: true }) cancelRequestedAt!: Date | null;
  @Text({ nullable: true, unique: true }) stripePaymentIntentId!: string | null;
  /** What Stripe captured. Refunds to the card may not exceed it (enforced by a trigger). */
  @MinorUnits({ nullable: true }) capturedAmount!: number | null;
  @Text({ nullable: true }) failureReason!: string | null;
}
