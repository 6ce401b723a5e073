import { Field, ID, ObjectType } from 'type-graphql';
import { BalanceType } from './balance.js';
import { connectionOf } from './connection.js';

/** Everything of one viewer. */
@ObjectType('Account', { simpleResolvers: true })
export class AccountType {
  @Field(() => ID)
  userId!: string;

  @Field(() => BalanceType)
  balance!: unknown;
}

export const AccountConnectionType = connectionOf('Account', () => AccountType);
