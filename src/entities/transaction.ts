import { Check, Entity, Enum, Index, ManyToOne, PrimaryKey, Property, Unique } from '@mikro-orm/decorators/legacy';
import { Balance } from './balance.js';
import { minorUnits } from './column-types.js';
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
@Index({
  name: 'transactions_one_top_up_per_payment',
  expression:
    'create unique index "transactions_one_top_up_per_payment" on "transactions" ("stripe_payment_intent_id") where stripe_payment_intent_id is not null',
})
@Index({
  name: 'transactions_one_spending_per_grant',
  expression:
    'create unique index "transactions_one_spending_per_grant" on "transactions" ("grant_id") where kind = \'SPENDING\'',
})
@Index({
  name: 'transactions_giving_back_by_grant',
  expression:
    'create index "transactions_giving_back_by_grant" on "transactions" ("grant_id") where grant_id is not null and kind <> \'SPENDING\'',
})
@Index({
  name: 'transactions_by_order',
  expression: 'create index "transactions_by_order" on "transactions" ("order_id") where order_id is not null',
})
@Index({
  name: 'transactions_by_refund',
  expression: 'create index "transactions_by_refund" on "transactions" ("refund_id") where refund_id is not null',
})
@Index({
  name: 'transactions_by_dispute',
  expression: 'create index "transactions_by_dispute" on "transactions" ("dispute_id") where dispute_id is not null',
})
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
    "kind <> 'ADJUSTMENT' or (amount <> 0 and counter_account = 'ADJUSTMENT' and reason is not null and actor_id is not null)",
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
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @ManyToOne(() => Balance, {
    mapToPk: true,
    fieldName: 'user_id',
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  userId!: string;

  @Enum({ type: 'text', items: () => [...TRANSACTION_KINDS] })
  kind!: TransactionKind;

  /** Positive for a credit, negative for a debit. */
  @Property({ type: minorUnits() })
  amount!: number;

  @Property({ type: 'text' })
  currency!: string;

  /** `posted` after this movement. */
  @Property({ type: minorUnits() })
  balanceAfter!: number;

  /** The balance's version after this movement. */
  @Property({ type: 'int' })
  version!: number;

  @Enum({ type: 'text', items: () => [...COUNTER_ACCOUNTS] })
  counterAccount!: CounterAccount;

  /** Never earlier than the previous movement, whatever the clock says. */
  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;

  @ManyToOne(() => Order, {
    mapToPk: true,
    fieldName: 'order_id',
    nullable: true,
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  orderId!: string | null;

  @ManyToOne(() => Grant, {
    mapToPk: true,
    fieldName: 'grant_id',
    nullable: true,
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  grantId!: string | null;

  @ManyToOne(() => Refund, {
    mapToPk: true,
    fieldName: 'refund_id',
    nullable: true,
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  refundId!: string | null;

  @ManyToOne(() => Dispute, {
    mapToPk: true,
    fieldName: 'dispute_id',
    nullable: true,
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  disputeId!: string | null;

  /** The payment that a TOP_UP records. */
  @Property({ type: 'text', nullable: true })
  stripePaymentIntentId!: string | null;

  @Property({ type: 'text', nullable: true })
  reason!: string | null;

  @Property({ type: 'uuid', nullable: true })
  actorId!: string | null;
}
