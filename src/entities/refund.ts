import { Check, Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { minorUnits } from './column-types.js';
import { Grant } from './grant.js';
import { Order } from './order.js';
import { Transaction } from './transaction.js';

export const REFUND_DESTINATIONS = ['CARD', 'BALANCE'] as const;
export type RefundDestination = (typeof REFUND_DESTINATIONS)[number];

export const REFUND_STATUSES = ['PENDING', 'SUCCEEDED', 'FAILED'] as const;
export type RefundStatus = (typeof REFUND_STATUSES)[number];

export const REFUND_ORIGINS = ['REQUEST', 'STRIPE'] as const;
export type RefundOrigin = (typeof REFUND_ORIGINS)[number];

/**
 * Money returned to a viewer. Triggers reject refunding more to the card than its payment captured, and status changes from FAILED, or
 * from SUCCEEDED to PENDING.
 */
@Entity({ tableName: 'refunds' })
@Index({ name: 'refunds_by_user', properties: ['userId', 'createdAt', 'id'] })
@Index({
  name: 'refunds_one_request_per_grant',
  expression:
    'create unique index "refunds_one_request_per_grant" on "refunds" ("grant_id") where grant_id is not null and origin = \'REQUEST\'',
})
@Index({
  name: 'refunds_by_grant',
  expression: 'create index "refunds_by_grant" on "refunds" ("grant_id") where grant_id is not null',
})
@Index({
  name: 'refunds_by_order',
  expression: 'create index "refunds_by_order" on "refunds" ("order_id") where order_id is not null',
})
@Index({
  name: 'refunds_under_way',
  expression: 'create index "refunds_under_way" on "refunds" ("next_attempt_at") where status = \'PENDING\'',
})
@Check({ name: 'refunds_amount', expression: 'amount > 0 and amount <= 9007199254740991' })
@Check({ name: 'refunds_to_card_have_a_payment', expression: "(destination = 'CARD') = (order_id is not null)" })
@Check({ name: 'refunds_to_balance_are_done_at_once', expression: "destination = 'CARD' or status = 'SUCCEEDED'" })
export class Refund {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  /** REQUEST: requested here. STRIPE: made in Stripe's dashboard. */
  @Enum({ type: 'text', items: () => [...REFUND_ORIGINS] })
  origin!: RefundOrigin;

  @Enum({ type: 'text', items: () => [...REFUND_DESTINATIONS] })
  destination!: RefundDestination;

  @Enum({ type: 'text', items: () => [...REFUND_STATUSES] })
  status!: RefundStatus;

  @Property({ type: minorUnits() })
  amount!: number;

  @Property({ type: 'text' })
  currency!: string;

  @Property({ type: 'int', nullable: true })
  unusedDays!: number | null;

  @ManyToOne(() => Grant, {
    mapToPk: true,
    fieldName: 'grant_id',
    nullable: true,
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  grantId!: string | null;

  /** The refunded TOP_UP, for a refund of a transaction. */
  @ManyToOne(() => Transaction, {
    mapToPk: true,
    fieldName: 'transaction_id',
    nullable: true,
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  transactionId!: string | null;

  /** The refunded payment, with destination CARD. */
  @ManyToOne(() => Order, {
    mapToPk: true,
    fieldName: 'order_id',
    nullable: true,
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  orderId!: string | null;

  @Property({ type: 'text', nullable: true, unique: true })
  stripeRefundId!: string | null;

  @Property({ type: 'text', nullable: true })
  failureReason!: string | null;

  /** Who requested it: the viewer or an admin; null if it was made at Stripe. */
  @Property({ type: 'uuid', nullable: true })
  requestedBy!: string | null;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;

  @Property({ type: 'timestamptz', length: 3, nullable: true })
  completedAt!: Date | null;

  /** The number of attempts at Stripe. */
  @Property({ type: 'int', default: 0 })
  attempts!: number;

  /** When the job checks it next, while it is PENDING. */
  @Property({ type: 'timestamptz', length: 3, nullable: true })
  nextAttemptAt!: Date | null;

  @Property({ type: 'text', nullable: true })
  lastError!: string | null;
}
