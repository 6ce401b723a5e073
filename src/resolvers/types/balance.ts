import { Field, Int, ObjectType } from 'type-graphql';
import { DateTimeScalar } from '../scalars.js';
import { MoneyType } from './money.js';

/** A viewer's prepaid wallet. */
@ObjectType('Balance', { simpleResolvers: true })
export class BalanceType {
  @Field(() => MoneyType)
  available!: MoneyType;

  @Field(() => MoneyType)
  held!: MoneyType;

  @Field(() => MoneyType)
  posted!: MoneyType;

  @Field(() => Int)
  version!: number;

  @Field(() => DateTimeScalar, { nullable: true })
  updatedAt!: Date | null;
}
