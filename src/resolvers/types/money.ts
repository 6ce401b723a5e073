import { Field, ObjectType } from 'type-graphql';
import { CurrencyCodeScalar, MinorUnitsScalar } from '../scalars.js';

/** An exact amount of money. */
@ObjectType('Money', { simpleResolvers: true })
export class MoneyType {
  @Field(() => MinorUnitsScalar)
  amount!: number;

  @Field(() => CurrencyCodeScalar)
  currency!: string;
}
