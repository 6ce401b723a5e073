import { Arg, Args, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import type { Grant } from '../entities/grant.js';
import { type Context, demandAccess, refuseOwnAccount } from './context.js';
import { GiftGrantInput, GrantFilmsArgs, GrantPayloadType, GrantType, RevokeGrantInput } from './generated/schema-types.js';

/** A service can reach any viewer's grants through access decisions, but not the money behind them. */
@Resolver(() => GrantType)
export class GrantResolver {
  @FieldResolver()
  subscription(@Root() grant: Grant, @Ctx() { loaders }: Context): unknown {
    return loaders.subscriptionAtVersion.load(grant.versionId);
  }

  @FieldResolver()
  films(@Root() grant: Grant, @Ctx() { loaders }: Context, @Args(() => GrantFilmsArgs) page: GrantFilmsArgs): unknown {
    return loaders.filmsOfVersion.load(grant.versionId, page);
  }

  @FieldResolver()
  refundQuote(@Root() grant: Grant, @Ctx() { caller, loaders }: Context): unknown {
    demandAccess(caller, grant.userId);
    return loaders.refundQuote.load(grant);
  }

  @FieldResolver()
  refunds(@Root() grant: Grant, @Ctx() { caller, loaders }: Context): unknown {
    demandAccess(caller, grant.userId);
    return loaders.refundsOfGrant.load(grant.id);
  }

  @FieldResolver()
  order(@Root() grant: Grant, @Ctx() { caller, loaders }: Context): unknown {
    demandAccess(caller, grant.userId);
    return loaders.order.load(grant.orderId);
  }

  @FieldResolver()
  spending(@Root() grant: Grant, @Ctx() { caller, loaders }: Context): unknown {
    demandAccess(caller, grant.userId);
    return loaders.transaction.load(grant.spendingId);
  }

  @Mutation(() => GrantPayloadType)
  giftGrant(@Ctx() { actor, services }: Context, @Arg('input', () => GiftGrantInput) input: GiftGrantInput): unknown {
    refuseOwnAccount(actor, input.userId);
    return services.grants.gift(actor, input);
  }

  @Mutation(() => GrantPayloadType)
  async revokeGrant(
    @Ctx() { actor, services, loaders }: Context,
    @Arg('input', () => RevokeGrantInput) input: RevokeGrantInput,
  ): Promise<unknown> {
    refuseOwnAccount(actor, (await loaders.grant.load(input.grantId))?.userId);
    return services.grants.revoke(actor, input);
  }
}
