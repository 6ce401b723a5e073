import { Arg, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Order } from '../entities/order.js';
import type { Context } from './context.js';
import {
  OrderPayloadType,
  OrderType,
  PurchaseInput,
  PurchasePayloadType,
  TopUpInput,
  TopUpPayloadType,
} from './generated/schema-types.js';

@Resolver(() => OrderType)
export class OrderResolver {
  @Query(() => OrderType, { nullable: true })
  order(@Ctx() { caller, services }: Context, @Arg('id', () => ID) id: string): Promise<Order | null> {
    return services.purchases.look(caller, id);
  }

  @FieldResolver()
  subscription(@Root() order: Order, @Ctx() { loaders }: Context): unknown {
    return loaders.subscriptionAtVersion.load(order.versionId);
  }

  @FieldResolver()
  async grant(@Root() order: Order, @Ctx() { loaders }: Context): Promise<unknown> {
    return order.kind === 'PURCHASE' ? loaders.grantOfOrder.load(order.id) : null;
  }

  @FieldResolver()
  transactions(@Root() order: Order, @Ctx() { loaders }: Context): unknown {
    return loaders.transactionsOfOrder.load(order.id);
  }

  @Mutation(() => PurchasePayloadType)
  purchase(@Ctx() { caller, services }: Context, @Arg('input', () => PurchaseInput) input: PurchaseInput): unknown {
    return services.purchases.purchase(caller, input);
  }

  @Mutation(() => TopUpPayloadType)
  topUp(@Ctx() { caller, services }: Context, @Arg('input', () => TopUpInput) input: TopUpInput): unknown {
    return services.purchases.topUp(caller, input);
  }

  @Mutation(() => OrderPayloadType)
  cancelOrder(@Ctx() { actor, services }: Context, @Arg('orderId', () => ID) orderId: string): unknown {
    return services.purchases.cancelOrder(actor, orderId);
  }
}
