import { Check, Entity, Index, Unique } from '@mikro-orm/decorators/legacy';
import { Id, Instant, Int, MinorUnits, OneOf, Reference, Text, Uuid } from './column-types.js';
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
@Unique({ name: 'refunds_one_request_per_grant', properties: ['grantId'], where: "grant_id is not null and origin = 'REQUEST'" })
@Index({ name: 'refunds_by_grant', properties: ['grantId'], where: 'grant_id is not null' })
@Index({ name: 'refunds_by_order', properties: ['orderId'], where: 'order_id is not null' })
@Index({ name: 'refunds_under_way', properties: ['nextAttemptAt'], where: "status = 'PENDING'" })
@Check({ name: 'refunds_amount', expression: 'amount > 0 and amount <= 9007199254740991' })
@Check({ name: 'refunds_to_card_have_a_payment', expression: "(destination = 'CARD') = (order_id is not null)" })
@Check({ name: 'refunds_to_balance_are_done_at_once', expression: "destination = 'CARD' or status = 'SUCCEEDED'" })
export class Refund {
  @Id() id!: string;
  @Uuid() userId!: string;
  /** REQUEST: requested here. STRIPE: made in Stripe's dashboard. */
  @OneOf(REFUND_ORIGINS) origin!: RefundOrigin;
  @OneOf(REFUND_DESTINATIONS) destination!: RefundDestination;
  @OneOf(REFUND_STATUSES) status!: RefundStatus;
  @MinorUnits() amount!: number;
  @Text() currency!: string;
  @Int({ nullable: true }) unusedDays!: number | null;
  @Reference(() => Grant, { nullable: true }) grantId!: string | null;
  /** The refunded TOP_UP, for a refund of a transaction. */
  @Reference(() => Transaction, { nullable: true }) transactionId!: string | null;
  /** The refunded payment, with destination CARD. */
  @Reference(() => Order, { nullable: true }) orderId!: string | null;
  @Text({ nullable: true, unique: true }) stripeRefundId!: string | null;
  @Text({ nullable: true }) failureReason!: string | null;
  /** Who requested it: the viewer or an admin; null if it was made at Stripe. */
  @Uuid({ nullable: true }) requestedBy!: string | null;
  @Instant() createdAt!: Date;
  @Instant({ nullable: true }) completedAt!: Date | null;
  /** The number of attempts at Stripe. */
  @Int({ default: 0 }) attempts!: number;
  /** When the job checks it next, while it is PENDING. */
  @Instant({ nullable: true }) nextAttemptAt!: Date | null;
  @Text({ nullable: true }) lastError!: string | null;
}
