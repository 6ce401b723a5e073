import { Field, ObjectType } from 'type-graphql';
import { BalanceType } from './balance.js';
import { GrantType } from './grant.js';
import { TransactionType } from './transaction.js';

/** A change of a balance. */
@ObjectType('BalanceChange', { simpleResolvers: true })
export class BalanceChangeType {
  @Field(() => String)
  cursor!: string;

  @Field(() => BalanceType)
  balance!: unknown;

  @Field(() => TransactionType, { nullable: true })
  transaction!: unknown;
}

/** A change of a grant. */
@ObjectType('GrantChange', { simpleResolvers: true })
export class GrantChangeType {
  @Field(() => String)
  cursor!: string;

  @Field(() => GrantType)
  grant!: unknown;
}
