import { Arg, Ctx, ID, Resolver, Root, type SubscribeResolverData, Subscription } from 'type-graphql';
import { type Context, whose } from './context.js';
import { createLoaders } from './loaders.js';
import type { RequiredServices } from './required-services.js';
import { BalanceChangeType, GrantChangeType } from './types/live.js';

type Live = RequiredServices['live'];
type Watched<Kind extends keyof Live> =
  Awaited<ReturnType<Live[Kind]>> extends AsyncIterableIterator<infer Change> ? Change : never;
type LiveArgs = { after?: string | null; userId?: string | null };

const watch =
  (kind: keyof Live) =>
  ({ context, args }: SubscribeResolverData<unknown, LiveArgs, Context>) =>
    context.services.live[kind](whose(context.caller, args.userId, ['ADMIN']), args.after ?? null) as never;

@Resolver()
export class LiveResolver {
  @Subscription(() => BalanceChangeType, { subscribe: watch('watchBalance') })
  async balanceChanged(
    @Root() change: Watched<'watchBalance'>,
    @Ctx() context: Context,
    @Arg('after', () => String, { nullable: true }) _after?: string | null,
    @Arg('userId', () => ID, { nullable: true }) _userId?: string | null,
  ): Promise<unknown> {
    context.loaders = createLoaders(context.services);
    return { ...change, transaction: await context.loaders.transaction.load(change.transactionId) };
  }

  @Subscription(() => GrantChangeType, { subscribe: watch('watchGrants') })
  async grantChanged(
    @Root() change: Watched<'watchGrants'>,
    @Ctx() context: Context,
    @Arg('after', () => String, { nullable: true }) _after?: string | null,
    @Arg('userId', () => ID, { nullable: true }) _userId?: string | null,
  ): Promise<unknown> {
    context.loaders = createLoaders(context.services);
    return { ...change, grant: await context.loaders.grant.load(change.grantId) };
  }
}
