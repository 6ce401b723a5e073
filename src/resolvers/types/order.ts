import { Field, ObjectType } from 'type-graphql';
import type { OrderKind, OrderStatus } from '../../entities/order.js';
import { DateTimeScalar } from '../scalars.js';
import { connectionOf } from './connection.js';
import { OrderKindEnum, OrderStatusEnum } from './enums.js';
import { GrantType } from './grant.js';
import { MoneyType } from './money.js';
import { NodeType } from './node.js';
import { SubscriptionType } from './subscription.js';
import { TransactionType } from './transaction.js';

/** An intent to pay at Stripe. */
@ObjectType('Order', { simpleResolvers: true, implements: NodeType })
export class OrderType extends NodeType {
  @Field(() => OrderKindEnum)
  kind!: OrderKind;

  @Field(() => OrderStatusEnum)
  status!: OrderStatus;

  @Field(() => MoneyType)
  amount!: MoneyType;

  @Field(() => String, { nullable: true })
  checkoutUrl!: string | null;

  @Field(() => DateTimeScalar, { nullable: true })
  expiresAt!: Date | null;

  @Field(() => SubscriptionType, { nullable: true })
  subscription!: unknown;

  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => [TransactionType])
  transactions!: unknown;

  @Field(() => DateTimeScalar)
  createdAt!: Date;
}

export const OrderConnectionType = connectionOf('Order', () => OrderType);
