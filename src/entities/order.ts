import { Check, Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { minorUnits } from './column-types.js';
import { SubscriptionVersion } from './subscription-version.js';

export const ORDER_KINDS = ['PURCHASE', 'TOP_UP'] as const;
export type OrderKind = (typeof ORDER_KINDS)[number];

export const ORDER_STATUSES = ['OPEN', 'PAID', 'EXPIRED', 'FAILED'] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];

/** One intent to pay at Stripe, and the payment once it is made. */
@Entity({ tableName: 'orders' })
@Index({ name: 'orders_by_user', properties: ['userId', 'createdAt', 'id'] })
@Index({
  name: 'orders_one_open_purchase',
  expression:
    'create unique index "orders_one_open_purchase" on "orders" ("user_id", "version_id") where status = \'OPEN\' and kind = \'PURCHASE\'',
})
@Index({
  name: 'orders_one_open_top_up',
  expression:
    'create unique index "orders_one_open_top_up" on "orders" ("user_id", "amount") where status = \'OPEN\' and kind = \'TOP_UP\'',
})
@Index({
  name: 'orders_open_by_expiry',
  expression: 'create index "orders_open_by_expiry" on "orders" ("expires_at") where status = \'OPEN\'',
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

  /** Until when it can be paid: the checkout session's own expiry. */
  @Property({ type: 'timestamptz', length: 3 })
  expiresAt!: Date;

  @Property({ type: 'timestamptz', length: 3, nullable: true })
  paidAt!: Date | null;

  @Property({ type: 'timestamptz', length: 3, nullable: true })
  closedAt!: Date | null;

  /** Where Stripe sends the viewer back to. */
  @Property({ type: 'text' })
  returnUrl!: string;

  /** Null between the order's commit and Stripe's answer; whoever asks again goes on with the same key at Stripe. */
  @Property({ type: 'text', nullable: true, unique: true })
  stripeSessionId!: string | null;

  @Property({ type: 'text', nullable: true })
  checkoutUrl!: string | null;

  /** The viewer has completed the checkout with a method that pays later. */
  @Property({ type: 'boolean', default: false })
  awaitingPayment!: boolean;

  @Property({ type: 'text', nullable: true, unique: true })
  stripePaymentIntentId!: string | null;

  /** What Stripe took. Refunds to the card may not exceed it (a trigger). */
  @Property({ type: minorUnits(), nullable: true })
  capturedAmount!: number | null;

  @Property({ type: 'text', nullable: true })
  failureReason!: string | null;
}
