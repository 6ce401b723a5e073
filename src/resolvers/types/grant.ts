import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { GrantStatus, PaymentMethod } from '../../entities/grant.js';
import type { RefundDestination } from '../../entities/refund.js';
import { DateTimeScalar } from '../scalars.js';
import { connectionOf } from './connection.js';
import { GrantStatusEnum, PaymentMethodEnum, RefundDestinationEnum } from './enums.js';
import { MoneyType } from './money.js';
import { NodeType } from './node.js';
import { OrderType } from './order.js';
import { RefundType } from './refund.js';
import { SubscriptionType } from './subscription.js';
import { TransactionType } from './transaction.js';

/** A viewer's access to one subscription version. */
@ObjectType('Grant', { simpleResolvers: true, implements: NodeType })
export class GrantType extends NodeType {
  @Field(() => ID)
  userId!: string;

  @Field(() => SubscriptionType)
  subscription!: unknown;

  @Field(() => GrantStatusEnum)
  status!: GrantStatus;

  @Field(() => PaymentMethodEnum)
  paidWith!: PaymentMethod;

  @Field(() => DateTimeScalar)
  grantedAt!: Date;

  @Field(() => DateTimeScalar)
  availableUntil!: Date;

  @Field(() => MoneyType)
  pricePerDay!: MoneyType;

  @Field(() => RefundQuoteType, { nullable: true })
  refundQuote!: unknown;

  @Field(() => [RefundType])
  refunds!: unknown;

  @Field(() => OrderType, { nullable: true })
  order!: unknown;

  @Field(() => TransactionType, { nullable: true })
  spending!: unknown;

  @Field(() => String, { nullable: true })
  reason!: string | null;

  @Field(() => ID, { nullable: true })
  actorId!: string | null;
}

export const GrantConnectionType = connectionOf('Grant', () => GrantType);

/** What a refund would give now. */
@ObjectType('RefundQuote', { simpleResolvers: true })
export class RefundQuoteType {
  @Field(() => Int)
  unusedDays!: number;

  @Field(() => MoneyType)
  amount!: MoneyType;

  @Field(() => RefundDestinationEnum)
  destination!: RefundDestination;
}
