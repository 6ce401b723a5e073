import { Arg, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import type { Transaction } from '../entities/transaction.js';
import type { Money } from '../services/money.js';
import { type Context, refuseOwnAccount } from './context.js';
import { AdjustBalanceInput, AdjustBalancePayloadType, TransactionType } from './generated/schema-types.js';

@Resolver(() => TransactionType)
export class TransactionResolver {
  @FieldResolver()
  grant(@Root() transaction: Transaction, @Ctx() { loaders }: Context): unknown {
    return loaders.grant.load(transaction.grantId);
  }

  @FieldResolver()
  order(@Root() transaction: Transaction, @Ctx() { loaders }: Context): unknown {
    return loaders.order.load(transaction.orderId);
  }

  @FieldResolver()
  refund(@Root() transaction: Transaction, @Ctx() { loaders }: Context): unknown {
    return loaders.refund.load(transaction.refundId);
  }

  @FieldResolver()
  async refundable(@Root() transaction: Transaction, @Ctx() { loaders }: Context): Promise<Money | null> {
    const amount = await loaders.refundable.load(transaction);
    return amount === null ? null : { amount, currency: transaction.currency };
  }

  @FieldResolver()
  hash(@Root() transaction: Transaction, @Ctx() { loaders }: Context): unknown {
    return loaders.hashOfTransaction.load(transaction);
  }

  @Mutation(() => AdjustBalancePayloadType)
  adjustBalance(@Ctx() { actor, services }: Context, @Arg('input', () => AdjustBalanceInput) input: AdjustBalanceInput): unknown {
    refuseOwnAccount(actor, input.userId);
    return services.adjustments.adjust(actor, input);
  }
}
