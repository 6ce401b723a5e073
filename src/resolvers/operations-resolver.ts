import { Arg, Args, Ctx, FieldResolver, ID, Mutation, Query, Resolver, Root } from 'type-graphql';
import type { Reconciliation } from '../entities/reconciliation.js';
import type { Context } from './context.js';
import { PageArgs, StripeEventsArgs } from './page-args.js';
import { JobPayload, StripeEventPayload } from './types/admin-payloads.js';
import { JobType } from './types/job.js';
import { LedgerReportType } from './types/ledger-report.js';
import { ReconciliationConnectionType, ReconciliationType } from './types/reconciliation.js';
import { StripeEventConnectionType } from './types/stripe-event.js';

/** What admins watch over: webhook deliveries, the ledger's sums, comparisons with Stripe, jobs. */
@Resolver(() => ReconciliationType)
export class OperationsResolver {
  @Query(() => StripeEventConnectionType)
  stripeEvents(@Ctx() { services }: Context, @Args(() => StripeEventsArgs) page: StripeEventsArgs): unknown {
    return services.stripeEvents.page(page);
  }

  @Query(() => LedgerReportType)
  verifyLedger(@Ctx() { services }: Context): unknown {
    return services.verifyLedger();
  }

  @Query(() => ReconciliationConnectionType)
  reconciliations(@Ctx() { services }: Context, @Args(() => PageArgs) page: PageArgs): unknown {
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

  @Mutation(() => StripeEventPayload)
  replayStripeEvent(@Ctx() { services }: Context, @Arg('id', () => ID) id: string): unknown {
    return services.stripeInbox.replay(id);
  }

  @Mutation(() => JobPayload)
  runJob(@Ctx() { services }: Context, @Arg('name', () => String) name: string): unknown {
    return services.jobs.run(name);
  }
}
