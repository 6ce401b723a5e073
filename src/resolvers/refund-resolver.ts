import { Arg, Ctx, FieldResolver, Mutation, Resolver, Root } from 'type-graphql';
import type { Refund } from '../entities/refund.js';
import type { Context } from './context.js';
import { RefundGrantInput, RefundPayloadType, RefundTransactionInput, RefundType } from './generated/schema-types.js';

@Resolver(() => RefundType)
export class RefundResolver {
  @FieldResolver()
  grant(@Root() refund: Refund, @Ctx() { loaders }: Context): unknown {
    return loaders.grant.load(refund.grantId);
  }

  @FieldResolver()
  transaction(@Root() refund: Refund, @Ctx() { loaders }: Context): unknown {
    return loaders.transaction.load(refund.transactionId);
  }

  @FieldResolver()
  transactions(@Root() refund: Refund, @Ctx() { loaders }: Context): unknown {
    return loaders.transactionsOfRefund.load(refund.id);
  }

  @Mutation(() => RefundPayloadType)
  refundGrant(@Ctx() { actor, services }: Context, @Arg('input', () => RefundGrantInput) input: RefundGrantInput): unknown {
    return services.refunds.refundGrant(actor, input);
  }

  @Mutation(() => RefundPayloadType)
  refundTransaction(
    @Ctx() { actor, services }: Context,
    @Arg('input', () => RefundTransactionInput) input: RefundTransactionInput,
  ): unknown {
    return services.refunds.refundTransaction(actor, input);
  }
}
