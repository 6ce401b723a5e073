import { Check, Entity, Index, Property, Unique } from '@mikro-orm/decorators/legacy';
import { Balance } from './balance.js';
import { Id, Instant, Int, MinorUnits, OneOf, Reference, Text, Uuid } from './column-types.js';
import { Dispute } from './dispute.js';
import { Grant } from './grant.js';
import { Order } from './order.js';
import { Refund } from './refund.js';

export const TRANSACTION_KINDS = ['TOP_UP', 'SPENDING', 'REFUND', 'ADJUSTMENT', 'DISPUTE'] as const;
export type TransactionKind = (typeof TRANSACTION_KINDS)[number];

export const COUNTER_ACCOUNTS = ['STRIPE', 'REVENUE', 'ADJUSTMENT'] as const;
export type CounterAccount = (typeof COUNTER_ACCOUNTS)[number];

/** One immutable movement between a balance and a counter account. A trigger rejects updates and deletes. */
@Entity({ tableName: 'transactions' })
@Unique({ name: 'transactions_version', properties: ['userId', 'version'] })
@Unique({
  name: 'transactions_one_top_up_per_payment',
  properties: ['stripePaymentIntentId'],
  where: 'stripe_payment_intent_id is not null',
})
@Unique({ name: 'transactions_one_spending_per_grant', properties: ['grantId'], where: "kind = 'SPENDING'" })
@Index({
  name: 'transactions_giving_back_by_grant',
  properties: ['grantId'],
  where: "grant_id is not null and kind <> 'SPENDING'",
})
@Index({ name: 'transactions_by_order', properties: ['orderId'], where: 'order_id is not null' })
@Index({ name: 'transactions_by_refund', properties: ['refundId'], where: 'refund_id is not null' })
@Index({ name: 'transactions_by_dispute', properties: ['disputeId'], where: 'dispute_id is not null' })
@Check({ name: 'transactions_version_positive', expression: 'version > 0' })
@Check({ name: 'transactions_exact', expression: 'abs(amount) <= 9007199254740991 and abs(balance_after) <= 9007199254740991' })
@Check({
  name: 'transactions_top_up',
  expression:
    "kind <> 'TOP_UP' or (amount > 0 and counter_account = 'STRIPE' and order_id is not null and stripe_payment_intent_id is not null)",
})
@Check({
  name: 'transactions_spending',
  expression: "kind <> 'SPENDING' or (amount <= 0 and counter_account = 'REVENUE' and grant_id is not null)",
})
@Check({
  name: 'transactions_refund',
  expression: "kind <> 'REFUND' or (amount <> 0 and counter_account in ('REVENUE', 'STRIPE') and refund_id is not null)",
})
@Check({
  name: 'transactions_adjustment',
  expression:
    "kind <> 'ADJUSTMENT' or (amount <> 0 and counter_account = 'ADJUSTMENT' and text_digest is not null and actor_id is not null)",
})
@Check({
  name: 'transactions_dispute',
  expression: "kind <> 'DISPUTE' or (amount <> 0 and counter_account in ('STRIPE', 'REVENUE') and dispute_id is not null)",
})
@Check({
  name: 'transactions_payment_only_on_top_up',
  expression: "kind = 'TOP_UP' or stripe_payment_intent_id is null",
})
export class Transaction {
  @Id() id!: string;
  @Reference(() => Balance) userId!: string;
  @OneOf(TRANSACTION_KINDS) kind!: TransactionKind;
  /** Positive for a credit, negative for a debit. */
  @MinorUnits() amount!: number;
  @Text() currency!: string;
  /** `posted` after this movement. */
  @MinorUnits() balanceAfter!: number;
  /** The balance's version after this movement. */
  @Int() version!: number;
  @OneOf(COUNTER_ACCOUNTS) counterAccount!: CounterAccount;
  /** Never earlier than the previous movement, whatever the clock says. */
  @Instant() createdAt!: Date;
  @Reference(() => Order, { nullable: true }) orderId!: string | null;
  @Reference(() => Grant, { nullable: true }) grantId!: string | null;
  @Reference(() => Refund, { nullable: true }) refundId!: string | null;
  @Reference(() => Dispute, { nullable: true }) disputeId!: string | null;
  /** The payment that a TOP_UP records. */
  @Text({ nullable: true }) stripePaymentIntentId!: string | null;
  /** Of the audit entry's text, if an admin made it. */
  @Property({ type: 'blob', nullable: true }) textDigest!: Buffer | null;
  /** Read from that text, or from the dispute (stores/columns.ts). */
  @Property({ type: 'text', persist: false }) reason!: string | null;
  @Uuid({ nullable: true }) actorId!: string | null;
}
