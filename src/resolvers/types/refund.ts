import { Field, ObjectType } from 'type-graphql';
import type { RefundDestination, RefundStatus } from '../../entities/refund.js';
import { DateTimeScalar } from '../scalars.js';
import { RefundDestinationEnum, RefundStatusEnum } from './enums.js';
import { GrantType } from './grant.js';
import { MoneyType } from './money.js';
import { NodeType } from './node.js';
import { TransactionType } from './transaction.js';

/** Money on its way back to a viewer. */
@ObjectType('Refund', { simpleResolvers: true, implements: NodeType })
export class RefundType extends NodeType {
  @Field(() => MoneyType)
  amount!: MoneyType;

  @Field(() => RefundDestinationEnum)
  destination!: RefundDestination;

  @Field(() => RefundStatusEnum)
  status!: RefundStatus;

  @Field(() => String, { nullable: true })
  failureReason!: string | null;

  @Field(() => GrantType, { nullable: true })
  grant!: unknown;

  @Field(() => TransactionType, { nullable: true })
  transaction!: unknown;

  @Field(() => [TransactionType])
  transactions!: unknown;

  @Field(() => DateTimeScalar)
  createdAt!: Date;
}
