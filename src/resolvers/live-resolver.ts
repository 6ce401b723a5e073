import { Arg, ID, Resolver, Root, type SubscribeResolverData, Subscription } from 'type-graphql';
import { type Context, resolveUserId } from './context.js';
import { BalanceChangeType, GrantChangeType } from './generated/schema-types.js';

type LiveArgs = { after?: string | null; userId?: string | null };

/** Opens a stream of the live feed. */
const watch =
  (kind: 'watchBalance' | 'watchGrants') =>
  async ({ context, args }: SubscribeResolverData<unknown, LiveArgs, Context>) => {
    const userId = resolveUserId(context.caller, args.userId);
    return (await context.services.live[kind](userId, args.after ?? null)) as AsyncIterable<unknown> as never;
  };

/** The fields of a change that it does not contain are loaded when they are selected: see rowFields. */
@Resolver()
export class LiveResolver {
  @Subscription(() => BalanceChangeType, { subscribe: watch('watchBalance') })
  balanceChanged(
    @Root() change: unknown,
    @Arg('after', () => String, { nullable: true }) _after?: string | null,
    @Arg('userId', () => ID, { nullable: true }) _userId?: string | null,
  ): unknown {
    return change;
  }

  @Subscription(() => GrantChangeType, { subscribe: watch('watchGrants') })
  grantChanged(
    @Root() change: unknown,
    @Arg('after', () => String, { nullable: true }) _after?: string | null,
    @Arg('userId', () => ID, { nullable: true }) _userId?: string | null,
  ): unknown {
    return change;
  }
}
