import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { SubscriptionAtVersion } from '../services/catalogue/subscription-rows.js';
import type { Context } from './context.js';
import { PageArgs, SubscriptionsArgs } from './page-args.js';
import { forbidden } from './refused.js';
import { SubscriptionPayload } from './types/admin-payloads.js';
import { CreateSubscriptionInput, UpdateSubscriptionInput } from './types/catalogue-inputs.js';
import { FilmConnectionType } from './types/film.js';
import { SubscriptionConnectionType, SubscriptionType } from './types/subscription.js';

@Resolver(() => SubscriptionType)
export class SubscriptionResolver {
  @Query(() => SubscriptionType, { nullable: true })
  async subscription(@Ctx() context: Context, @Arg('id', () => ID) id: string): Promise<SubscriptionAtVersion | null> {
    return visibleSubscription(context, id);
  }

  @Query(() => SubscriptionConnectionType)
  subscriptions(
    @Ctx() { caller, services }: Context,
    @Args(() => SubscriptionsArgs) { first, after, status }: SubscriptionsArgs,
  ): unknown {
    if (status !== 'ACTIVE' && status && caller.role !== 'ADMIN') throw forbidden();
    return services.catalogue.subscriptions({ first, after, status: status ?? 'ACTIVE' });
  }

  @FieldResolver(() => FilmConnectionType)
  films(@Root() row: SubscriptionAtVersion, @Ctx() { loaders }: Context, @Args(() => PageArgs) page: PageArgs): unknown {
    return loaders.filmsOfVersion.load(row.versionId, page);
  }

  @Mutation(() => SubscriptionPayload)
  createSubscription(
    @Ctx() { services }: Context,
    @Arg('input', () => CreateSubscriptionInput) input: CreateSubscriptionInput,
  ): unknown {
    return services.catalogueAdmin.createSubscription(input);
  }

  @Mutation(() => SubscriptionPayload)
  updateSubscription(
    @Ctx() { services }: Context,
    @Arg('input', () => UpdateSubscriptionInput) input: UpdateSubscriptionInput,
  ): unknown {
    return services.catalogueAdmin.updateSubscription(input);
  }

  @Mutation(() => SubscriptionPayload)
  activateSubscription(@Ctx() { services }: Context, @Arg('id', () => ID) id: string): unknown {
    return services.catalogueAdmin.activateSubscription(id);
  }

  @Mutation(() => SubscriptionPayload)
  archiveSubscription(@Ctx() { services }: Context, @Arg('id', () => ID) id: string): unknown {
    return services.catalogueAdmin.archiveSubscription(id);
  }
}

/** A subscription as it is sold now; drafts are there for admins alone. */
export async function visibleSubscription({ caller, loaders }: Context, id: string): Promise<SubscriptionAtVersion | null> {
  const subscription = await loaders.subscription.load(id);
  return subscription?.status === 'DRAFT' && caller.role !== 'ADMIN' ? null : subscription;
}
