import { Check, Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { minorUnits } from './column-types.js';
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
@Index({
  name: 'orders_one_open_purchase',
  expression:
    'create unique index "orders_one_open_purchase" on "orders" ("user_id", "version_id") where status in (\'OPEN\', \'PROCESSING\') and kind = \'PURCHASE\'',
})
@Index({
  name: 'orders_one_open_top_up',
  expression:
    'create unique index "orders_one_open_top_up" on "orders" ("user_id", "amount") where status = \'OPEN\' and kind = \'TOP_UP\'',
})
@Index({
  name: 'orders_open_by_expiry',
  expression: 'create index "orders_open_by_expiry" on "orders" ("expires_at") where status in (\'OPEN\', \'PROCESSING\')',
})
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
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  @Enum({ type: 'text', items: () => [...ORDER_KINDS] })
  kind!: OrderKind;

  @Enum({ type: 'text', items: () => [...ORDER_STATUSES] })
  status!: OrderStatus;

  @Property({ type: minorUnits() })
  amount!: number;

  @Property({ type: 'text' })
  currency!: string;

  @ManyToOne(() => SubscriptionVersion, {
    mapToPk: true,
    fieldName: 'version_id',
    nullable: true,
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  versionId!: string | null;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;

  /** When the checkout session expires, and with it the order. */
  @Property({ type: 'timestamptz', length: 3 })
  expiresAt!: Date;

  /** Until when this order is claimed by the worker that checks its outcome at Stripe. */
  @Property({ type: 'timestamptz', length: 3, nullable: true })
  leaseExpiresAt!: Date | null;

  @Property({ type: 'timestamptz', length: 3, nullable: true })
  paidAt!: Date | null;

  @Property({ type: 'timestamptz', length: 3, nullable: true })
  closedAt!: Date | null;

  /** Where Stripe sends the viewer after checkout. */
  @Property({ type: 'text' })
  returnUrl!: string;

  /** Null between the order's commit and Stripe's response; a retry continues with the same key at Stripe. */
  @Property({ type: 'text', nullable: true, unique: true })
  stripeSessionId!: string | null;

  @Property({ type: 'text', nullable: true })
  checkoutUrl!: string | null;

  /** How many sessions the order has had, including this one; part of the idempotency key at Stripe. */
  @Property({ type: 'integer', default: 1 })
  sessionNumber!: number;

  /** The previous session, to be expired at Stripe before another is opened. */
  @Property({ type: 'text', nullable: true, unique: true })
  supersededSessionId!: string | null;

  /** Set before the session is expired at Stripe, so that a cancellation survives a crash. */
  @Property({ type: 'timestamptz', length: 3, nullable: true })
  cancelRequestedAt!: Date | null;

  @Property({ type: 'text', nullable: true, unique: true })
  stripePaymentIntentId!: string | null;

  /** What Stripe captured. Refunds to the card may not exceed it (enforced by a trigger). */
  @Property({ type: minorUnits(), nullable: true })
  capturedAmount!: number | null;

  @Property({ type: 'text', nullable: true })
  failureReason!: string | null;
}
