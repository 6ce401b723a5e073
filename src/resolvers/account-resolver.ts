import { Arg, Args, Ctx, FieldResolver, ID, Query, Resolver, Root } from 'type-graphql';
import type { Money } from '../services/money.js';
import { type Context, whose } from './context.js';
import { GrantsArgs, OrdersArgs, PageArgs, TransactionsArgs } from './page-args.js';
import { DateTimeScalar } from './scalars.js';
import { AccountConnectionType, AccountType } from './types/account.js';
import { GrantConnectionType } from './types/grant.js';
import { MoneyType } from './types/money.js';
import { OrderConnectionType } from './types/order.js';
import { TransactionConnectionType } from './types/transaction.js';

/** An account has no row of its own: it is a viewer's id, and what is found under it. */
interface Account {
  readonly userId: string;
}

@Resolver(() => AccountType)
export class AccountResolver {
  @Query(() => AccountType)
  me(@Ctx() { caller }: Context): Account {
    return { userId: whose(caller, null, []) };
  }

  @Query(() => AccountType)
  account(@Ctx() { caller }: Context, @Arg('userId', () => ID) userId: string): Account {
    return { userId: whose(caller, userId, ['ADMIN']) };
  }

  @Query(() => AccountConnectionType)
  accounts(@Ctx() { services }: Context, @Args(() => PageArgs) page: PageArgs): unknown {
    return services.history.pages.accounts(page);
  }

  @FieldResolver()
  balance(@Root() account: Account, @Ctx() { loaders }: Context): unknown {
    return loaders.balance.load(account.userId);
  }

  @FieldResolver(() => MoneyType)
  async balanceAt(
    @Root() { userId }: Account,
    @Ctx() { loaders }: Context,
    @Arg('time', () => DateTimeScalar) time: Date,
  ): Promise<Money> {
    const [{ currency }, amount] = await Promise.all([loaders.balance.load(userId), loaders.postedAt.load({ userId, time })]);
    return { amount, currency };
  }

  @FieldResolver(() => GrantConnectionType)
  grants(
    @Root() account: Account,
    @Ctx() { loaders }: Context,
    @Args(() => GrantsArgs) { first, after, status }: GrantsArgs,
  ): unknown {
    return loaders.grantsOfViewer.load(account.userId, { first, after, filter: status });
  }

  @FieldResolver(() => TransactionConnectionType)
  transactions(
    @Root() account: Account,
    @Ctx() { loaders }: Context,
    @Args(() => TransactionsArgs) { first, after, kind }: TransactionsArgs,
  ): unknown {
    return loaders.transactionsOfViewer.load(account.userId, { first, after, filter: kind });
  }

  @FieldResolver(() => OrderConnectionType)
  orders(
    @Root() account: Account,
    @Ctx() { loaders }: Context,
    @Args(() => OrdersArgs) { first, after, status }: OrdersArgs,
  ): unknown {
    return loaders.ordersOfViewer.load(account.userId, { first, after, filter: status });
  }
}
