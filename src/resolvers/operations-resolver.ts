import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Reconciliation } from '../entities/reconciliation.js';
import type { Context } from './context.js';
import {
  JobPayloadType,
  JobType,
  LedgerReportType,
  LedgerRootConnectionType,
  QueryLedgerRootsArgs,
  QueryReconciliationsArgs,
  QueryStripeEventsArgs,
  ReconciliationConnectionType,
  ReconciliationType,
  StripeEventConnectionType,
  StripeEventPayloadType,
} from './generated/schema-types.js';

/** What admins monitor: webhook deliveries, the ledger's sums, reconciliations with Stripe, jobs. */
@Resolver(() => ReconciliationType)
export class OperationsResolver {
  @Query(() => StripeEventConnectionType)
  stripeEvents(@Ctx() { services }: Context, @Args(() => QueryStripeEventsArgs) page: QueryStripeEventsArgs): unknown {
    return services.stripeInbox.page(page);
  }

  @Query(() => LedgerReportType)
  verifyLedger(@Ctx() { services }: Context): unknown {
    return services.verification.report();
  }

  @Query(() => LedgerRootConnectionType)
  ledgerRoots(@Ctx() { services }: Context, @Args(() => QueryLedgerRootsArgs) page: QueryLedgerRootsArgs): unknown {
    return services.rootStore.page(page);
  }

  @Query(() => ReconciliationConnectionType)
  reconciliations(@Ctx() { services }: Context, @Args(() => QueryReconciliationsArgs) page: QueryReconciliationsArgs): unknown {
    return services.reconciliations.page(page);
  }

  @Query(() => [JobType])
  jobs(@Ctx() { services }: Context): unknown {
    return services.jobs.list();
  }

  @FieldResolver()
  findings(@Root() reconciliation: Reconciliation, @Ctx() { loaders }: Context): unknown {
    return loaders.findingsOfReconciliation.load(reconciliation.id);
  }

  @Mutation(() => StripeEventPayloadType)
  replayStripeEvent(@Ctx() { services, actor }: Context, @Arg('id', () => ID) id: string): unknown {
    return services.stripeInbox.replay(actor, id);
  }

  @Mutation(() => JobPayloadType)
  runJob(@Ctx() { services, actor }: Context, @Arg('name', () => String) name: string): unknown {
    return services.jobs.run(actor, name);
  }
}
