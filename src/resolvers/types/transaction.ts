import { Field, ID, Int, ObjectType } from 'type-graphql';
import type { CounterAccount, TransactionKind } from '../../entities/transaction.js';
import { DateTimeScalar } from '../scalars.js';
import { connectionOf } from './connection.js';
import { CounterAccountEnum, TransactionKindEnum } from './enums.js';
import { GrantType } from './grant.js';
import { MoneyType } from './money.js';
import { NodeType } from './node.js';
import { OrderType } from './order.js';
import { RefundType } from './refund.js';

/** One immutable movement of a balance. */
@ObjectType('Transaction', { simpleResolvers: true, implements: NodeType })
export class TransactionType extends NodeType {
  @Field(() => TransactionKindEnum)
  kind!: TransactionKind;

  @Field(() => MoneyType)
  amount!: MoneyType;

  @Field(() => MoneyType)
  balanceAfter!: MoneyType;

  @Field(() => Int)
  version!: number;

  @Field(() => CounterAccountEnum)
  counterAccount!: CounterAccount;

  @Field(() => DateTimeScalar)
  createdAt!: Date;

  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => OrderType, { nullable: true })
  order!: unknown;

  @Field(() => RefundType, { nullable: true })
  refund!: unknown;

  @Field(() => MoneyType, { nullable: true })
  refundable!: MoneyType | null;

  @Field(() => String, { nullable: true })
  reason!: string | null;

  @Field(() => ID, { nullable: true })
  actorId!: string | null;
}

export const TransactionConnectionType = connectionOf('Transaction', () => TransactionType);
