import { Check, Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { minorUnits } from './column-types.js';
import { Order } from './order.js';
import { SubscriptionVersion } from './subscription-version.js';
import { Transaction } from './transaction.js';

export const GRANT_STATUSES = ['ACTIVE', 'EXPIRED', 'REFUNDED', 'REVOKED', 'SUSPENDED'] as const;
export type GrantStatus = (typeof GRANT_STATUSES)[number];

export const PAYMENT_METHODS = ['CARD', 'BALANCE', 'GIFT'] as const;
export type PaymentMethod = (typeof PAYMENT_METHODS)[number];

/** A viewer's access to one subscription version. */
@Entity({ tableName: 'grants' })
@Index({ name: 'grants_by_user', properties: ['userId', 'grantedAt', 'id'] })
@Index({
  name: 'grants_to_expire',
  expression: 'create index "grants_to_expire" on "grants" ("available_until") where status = \'ACTIVE\'',
})
@Index({
  name: 'grants_one_per_order',
  expression: 'create unique index "grants_one_per_order" on "grants" ("order_id") where order_id is not null',
})
@Check({ name: 'grants_time', expression: 'available_until > granted_at' })
@Check({ name: 'grants_price', expression: 'price_per_day >= 0 and duration_days >= 1 and duration_days <= 3660' })
@Check({
  name: 'grants_paid_or_given',
  expression:
    "(paid_with = 'GIFT') = (spending_id is null) and (paid_with <> 'GIFT' or (reason is not null and actor_id is not null))",
})
@Check({ name: 'grants_by_card_have_an_order', expression: "(paid_with = 'CARD') = (order_id is not null)" })
export class Grant {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  @ManyToOne(() => SubscriptionVersion, {
    mapToPk: true,
    fieldName: 'version_id',
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  versionId!: string;

  @Enum({ type: 'text', items: () => [...GRANT_STATUSES] })
  status!: GrantStatus;

  @Enum({ type: 'text', items: () => [...PAYMENT_METHODS] })
  paidWith!: PaymentMethod;

  @Property({ type: minorUnits() })
  pricePerDay!: number;

  @Property({ type: 'int' })
  durationDays!: number;

  @Property({ type: 'text' })
  currency!: string;

  @Property({ type: 'timestamptz', length: 3 })
  grantedAt!: Date;

  /** When access ends (exclusive). */
  @Property({ type: 'timestamptz', length: 3 })
  availableUntil!: Date;

  /** When it was refunded, revoked or expired. */
  @Property({ type: 'timestamptz', length: 3, nullable: true })
  endedAt!: Date | null;

  @ManyToOne(() => Order, {
    mapToPk: true,
    fieldName: 'order_id',
    nullable: true,
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  orderId!: string | null;

  /** The SPENDING that paid for it; every grant has one, except gifts. */
  @ManyToOne(() => Transaction, {
    mapToPk: true,
    fieldName: 'spending_id',
    nullable: true,
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  spendingId!: string | null;

  @Property({ type: 'text', nullable: true })
  reason!: string | null;

  @Property({ type: 'uuid', nullable: true })
  actorId!: string | null;
}
