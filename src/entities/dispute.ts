import { Check, Entity, Index } from '@mikro-orm/decorators/legacy';
import { Id, Instant, Int, MinorUnits, OneOf, Reference, Text, Uuid } from './column-types.js';
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
  @Id() id!: string;
  @Uuid() userId!: string;
  @Reference(() => Order) orderId!: string;
  @Text({ unique: true }) stripeDisputeId!: string;
  @MinorUnits() amount!: number;
  @Text() currency!: string;
  @OneOf(DISPUTE_OUTCOMES) outcome!: DisputeOutcome;
  /** What Stripe has done with the money. */
  @OneOf(DISPUTE_FUNDS) funds!: DisputeFunds;
  /** What Stripe withdrew for it, according to its balance transactions, without fees. */
  @MinorUnits({ default: 0 }) withdrawn!: number;
  /** What Stripe returned of that. */
  @MinorUnits({ default: 0 }) reinstated!: number;
  /** How many balance transactions these amounts are from; 0: they are derived from the status. */
  @Int({ default: 0 }) movements!: number;
  /** The cardholder's reason, as a code of Stripe. */
  @Text() reason!: string;
  @Instant() createdAt!: Date;
  @Instant() updatedAt!: Date;
}
