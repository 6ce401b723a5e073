import { Arg, Args, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import type { Money } from '../services/money.js';
import { type Context, demandAccess, resolveUserId } from './context.js';
import {
  AccountConnectionType,
  AccountGrantsArgs,
  AccountOrdersArgs,
  AccountTransactionsArgs,
  AccountType,
  QueryAccountsArgs,
} from './generated/schema-types.js';
import { DateTimeScalar } from './scalars.js';

/** An account has no row of its own: it is a viewer's id, and what belongs to it. */
interface Account {
  readonly userId: string;
}

@Resolver(() => AccountType)
export class AccountResolver {
  @Query(() => AccountType)
  me(@Ctx() { caller }: Context): Account {
    return { userId: resolveUserId(caller, null) };
  }

  @Query(() => AccountType)
  account(@Ctx() { caller }: Context, @Arg('userId', () => ID) userId: string): Account {
    return { userId: resolveUserId(caller, userId) };
  }

  @Query(() => AccountConnectionType)
  accounts(@Ctx() { services }: Context, @Args(() => QueryAccountsArgs) page: QueryAccountsArgs): unknown {
    return services.accounts.pages.accounts(page);
  }

  @FieldResolver()
  balance(@Root() account: Account, @Ctx() { loaders }: Context): unknown {
    return loaders.balance.load(account.userId);
  }

  @FieldResolver()
  async balanceAt(
    @Root() { userId }: Account,
    @Ctx() { loaders }: Context,
    @Arg('time', () => DateTimeScalar) time: Date,
  ): Promise<Money> {
    const [{ currency }, amount] = await Promise.all([loaders.balance.load(userId), loaders.postedAt.load({ userId, time })]);
    return { amount, currency };
  }

  @FieldResolver()
  grants(
    @Root() account: Account,
    @Ctx() { loaders }: Context,
    @Args(() => AccountGrantsArgs) { first, after, status }: AccountGrantsArgs,
  ): unknown {
    return loaders.grantsOfViewer.load(account.userId, { first, after, filter: status });
  }

  @FieldResolver()
  transactions(
    @Root() account: Account,
    @Ctx() { loaders }: Context,
    @Args(() => AccountTransactionsArgs) { first, after, kind }: AccountTransactionsArgs,
  ): unknown {
    return loaders.transactionsOfViewer.load(account.userId, { first, after, filter: kind });
  }

  @FieldResolver()
  orders(
    @Root() account: Account,
    @Ctx() { loaders }: Context,
    @Args(() => AccountOrdersArgs) { first, after, status }: AccountOrdersArgs,
  ): unknown {
    return loaders.ordersOfViewer.load(account.userId, { first, after, filter: status });
  }

  @FieldResolver()
  proof(@Root() { userId }: Account, @Ctx() { caller, loaders }: Context): unknown {
    demandAccess(caller, userId);
    return loaders.proof.load(userId);
  }
}
