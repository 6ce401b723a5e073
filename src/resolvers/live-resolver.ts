import { GraphQLError } from 'graphql';
import { Arg, ID, Resolver, Root, type SubscribeResolverData, Subscription } from 'type-graphql';
import { CursorExpired } from '../services/live/live-cursor.js';
import { type Context, whose } from './context.js';
import type { RequiredServices } from './required-services.js';
import { BalanceChangeType, GrantChangeType } from './types/live.js';

type Live = RequiredServices['live'];
type LiveArgs = { after?: string | null; userId?: string | null };

/** Opens a stream of the feed; what it ends in, now or later, is told by its code. */
const watch =
  (kind: keyof Live) =>
  async ({ context, args }: SubscribeResolverData<unknown, LiveArgs, Context>) => {
    const userId = whose(context.caller, args.userId, ['ADMIN']);
    try {
      const changes = await context.services.live[kind](userId, args.after ?? null);
      return new CodedErrors<unknown>(changes) as AsyncIterable<unknown> as never;
    } catch (error) {
      throw withCode(error);
    }
  };

const withCode = (error: unknown): unknown =>
  error instanceof CursorExpired ? new GraphQLError(error.message, { extensions: { code: error.code } }) : error;

class CodedErrors<Change> implements AsyncIterableIterator<Change> {
  constructor(private readonly changes: AsyncIterableIterator<Change>) {}

  async next(): Promise<IteratorResult<Change>> {
    try {
      return await this.changes.next();
    } catch (error) {
      throw withCode(error);
    }
  }

  async return(): Promise<IteratorResult<Change>> {
    await this.changes.return?.();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** The fields of a change that are not in it are loaded when they are asked for: see plainFields. */
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
