import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { SubscriptionAtVersion } from '../services/catalogue/subscription-rows.js';
import type { Context } from './context.js';
import {
  CreateSubscriptionInput,
  QuerySubscriptionsArgs,
  SubscriptionConnectionType,
  SubscriptionFilmsArgs,
  SubscriptionPayloadType,
  SubscriptionType,
  UpdateSubscriptionInput,
} from './generated/schema-types.js';
import { forbidden } from './refused.js';

@Resolver(() => SubscriptionType)
export class SubscriptionResolver {
  @Query(() => SubscriptionType, { nullable: true })
  async subscription(@Ctx() context: Context, @Arg('id', () => ID) id: string): Promise<SubscriptionAtVersion | null> {
    return visibleSubscription(context, id);
  }

  @Query(() => SubscriptionConnectionType)
  subscriptions(
    @Ctx() { caller, services }: Context,
    @Args(() => QuerySubscriptionsArgs) { first, after, status }: QuerySubscriptionsArgs,
  ): unknown {
    if (status !== 'ACTIVE' && status && caller.role !== 'ADMIN') throw forbidden();
    return services.catalogue.subscriptions({ first, after, status: status ?? 'ACTIVE' });
  }

  @FieldResolver()
  films(
    @Root() row: SubscriptionAtVersion,
    @Ctx() { loaders }: Context,
    @Args(() => SubscriptionFilmsArgs) page: SubscriptionFilmsArgs,
  ): unknown {
    return loaders.filmsOfVersion.load(row.versionId, page);
  }

  @Mutation(() => SubscriptionPayloadType)
  createSubscription(
    @Ctx() { services, actor }: Context,
    @Arg('input', () => CreateSubscriptionInput) input: CreateSubscriptionInput,
  ): unknown {
    return services.catalogueAdmin.createSubscription(actor, input);
  }

  @Mutation(() => SubscriptionPayloadType)
  updateSubscription(
    @Ctx() { services, actor }: Context,
    @Arg('input', () => UpdateSubscriptionInput) input: UpdateSubscriptionInput,
  ): unknown {
    return services.catalogueAdmin.updateSubscription(actor, input);
  }

  @Mutation(() => SubscriptionPayloadType)
  activateSubscription(@Ctx() { services, actor }: Context, @Arg('id', () => ID) id: string): unknown {
    return services.catalogueAdmin.activateSubscription(actor, id);
  }

  @Mutation(() => SubscriptionPayloadType)
  archiveSubscription(@Ctx() { services, actor }: Context, @Arg('id', () => ID) id: string): unknown {
    return services.catalogueAdmin.archiveSubscription(actor, id);
  }
}

/** The version of a subscription that is on sale now; only admins see drafts. */
export async function visibleSubscription({ caller, loaders }: Context, id: string): Promise<SubscriptionAtVersion | null> {
  const subscription = await loaders.subscription.load(id);
  return subscription?.status === 'DRAFT' && caller.role !== 'ADMIN' ? null : subscription;
}
