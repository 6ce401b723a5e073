import { Check, Entity, Index, Property, Unique } from '@mikro-orm/decorators/legacy';
import { Id, Instant, Int, MinorUnits, OneOf, Reference, Text, Uuid } from './column-types.js';
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
@Index({ name: 'grants_to_expire', properties: ['availableUntil'], where: "status = 'ACTIVE'" })
@Unique({ name: 'grants_one_per_order', properties: ['orderId'], where: 'order_id is not null' })
@Check({ name: 'grants_time', expression: 'available_until > starts_at' })
@Check({ name: 'grants_price', expression: 'price_per_day >= 0 and duration_days >= 1 and duration_days <= 3660' })
@Check({
  name: 'grants_paid_or_given',
  expression:
    "(paid_with = 'GIFT') = (spending_id is null) and (paid_with <> 'GIFT' or (text_digest is not null and actor_id is not null))",
})
@Check({ name: 'grants_by_card_have_an_order', expression: "(paid_with = 'CARD') = (order_id is not null)" })
export class Grant {
  @Id() id!: string;
  @Uuid() userId!: string;
  @Reference(() => SubscriptionVersion) versionId!: string;
  @OneOf(GRANT_STATUSES) status!: GrantStatus;
  @OneOf(PAYMENT_METHODS) paidWith!: PaymentMethod;
  @MinorUnits() pricePerDay!: number;
  @Int() durationDays!: number;
  @Text() currency!: string;
  @Instant() grantedAt!: Date;
  /** When access begins. */
  @Instant() startsAt!: Date;
  /** When access ends (exclusive). */
  @Instant() availableUntil!: Date;
  /** When it was refunded, revoked or expired. */
  @Instant({ nullable: true }) endedAt!: Date | null;
  @Reference(() => Order, { nullable: true }) orderId!: string | null;
  /** The SPENDING that paid for it; every grant has one, except gifts. */
  @Reference(() => Transaction, { nullable: true }) spendingId!: string | null;
  /** Of the audit entry's text, if an admin gifted or revoked it. */
  @Property({ type: 'blob', nullable: true }) textDigest!: Buffer | null;
  /** Read from that text (stores/columns.ts). */
  @Property({ type: 'text', persist: false }) reason!: string | null;
  @Uuid({ nullable: true }) actorId!: string | null;
}
