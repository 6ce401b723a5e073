import { Arg, Ctx, FieldResolver, ID, Int, Query, Resolver, Root } from 'type-graphql';
import type { AccessDecision } from '../services/access/decide-access.js';
import type { SubscriptionAtVersion } from '../services/catalogue/subscription-rows.js';
import { parseId } from '../services/ids.js';
import { checkedFirst } from '../services/pagination.js';
import { type Context, resolveUserId } from './context.js';
import { AccessDecisionType } from './generated/schema-types.js';

const MAX_OFFERS = 20;

@Resolver(() => AccessDecisionType)
export class AccessResolver {
  @Query(() => [AccessDecisionType])
  access(
    @Ctx() { caller, services }: Context,
    @Arg('filmIds', () => [ID]) filmIds: string[],
    @Arg('userId', () => ID, { nullable: true }) userId?: string | null,
  ): Promise<AccessDecision[]> {
    return services.access.decide(resolveUserId(caller, userId, ['SERVICE']), filmIds);
  }

  @FieldResolver()
  grant(@Root() decision: AccessDecision, @Ctx() { loaders }: Context): unknown {
    return loaders.grant.load(decision.grantId);
  }

  @FieldResolver()
  async offers(
    @Root() { allowed, reason, filmId }: AccessDecision,
    @Ctx() { loaders }: Context,
    @Arg('first', () => Int, { nullable: true, defaultValue: 3 }) first: number,
  ): Promise<readonly SubscriptionAtVersion[]> {
    checkedFirst(first, MAX_OFFERS);
    // The decision spells the film's id as the caller did.
    const id = parseId(filmId);
    if (allowed || !id || reason === 'UNKNOWN_FILM') return [];
    return (await loaders.subscriptionsOfFilm.load(id, { first })).nodes;
  }
}
