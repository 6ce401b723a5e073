import { Check, Entity, Enum, Index, ManyToOne, PrimaryKey, Property } from '@mikro-orm/decorators/legacy';
import { minorUnits } from './column-types.js';
import { Order } from './order.js';

export const DISPUTE_OUTCOMES = ['OPEN', 'WON', 'LOST'] as const;
export type DisputeOutcome = (typeof DISPUTE_OUTCOMES)[number];

export const DISPUTE_FUNDS = ['UNTOUCHED', 'WITHDRAWN', 'REINSTATED'] as const;
export type DisputeFunds = (typeof DISPUTE_FUNDS)[number];

/** A dispute that a cardholder has opened with their bank about one of our payments. */
@Entity({ tableName: 'disputes' })
@Index({ name: 'disputes_by_order', properties: ['orderId'] })
@Check({ name: 'disputes_amount', expression: 'amount > 0' })
@Check({ name: 'disputes_moved', expression: 'withdrawn >= 0 and reinstated >= 0 and movements >= 0' })
export class Dispute {
  @PrimaryKey({ type: 'uuid' })
  id!: string;

  @Property({ type: 'uuid' })
  userId!: string;

  @ManyToOne(() => Order, {
    mapToPk: true,
    fieldName: 'order_id',
    updateRule: 'no action',
    deleteRule: 'no action',
    index: false,
  })
  orderId!: string;

  @Property({ type: 'text', unique: true })
  stripeDisputeId!: string;

  @Property({ type: minorUnits() })
  amount!: number;

  @Property({ type: 'text' })
  currency!: string;

  @Enum({ type: 'text', items: () => [...DISPUTE_OUTCOMES] })
  outcome!: DisputeOutcome;

  /** What Stripe has done with the money. */
  @Enum({ type: 'text', items: () => [...DISPUTE_FUNDS] })
  funds!: DisputeFunds;

  /** What Stripe withdrew for it, according to its balance transactions, without fees. */
  @Property({ type: minorUnits(), default: '0' })
  withdrawn!: number;

  /** What Stripe returned of that. */
  @Property({ type: minorUnits(), default: '0' })
  reinstated!: number;

  /** How many balance transactions these amounts are from; 0: they are derived from the status. */
  @Property({ type: 'int', default: 0 })
  movements!: number;

  /** The cardholder's reason, as a code of Stripe. */
  @Property({ type: 'text' })
  reason!: string;

  @Property({ type: 'timestamptz', length: 3 })
  createdAt!: Date;

  @Property({ type: 'timestamptz', length: 3 })
  updatedAt!: Date;
}
