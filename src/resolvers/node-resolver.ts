import { Arg, Ctx, ID, Query, Resolver } from 'type-graphql';
import type { NodeKind } from '../services/accounts/accounts.js';
import { canAccess } from '../services/caller.js';
import { parseId } from '../services/ids.js';
import type { Context } from './context.js';
import { NodeType } from './generated/schema-types.js';
import { visibleSubscription } from './subscription-resolver.js';

type Find = (context: Context, id: string) => Promise<object | null>;

/** Only the viewer and admins can see what belongs to a viewer. */
const ofViewer =
  (load: (context: Context, id: string) => Promise<{ userId: string } | null>): Find =>
  async (context, id) => {
    const row = await load(context, id);
    return row && canAccess(context.caller, row.userId) ? row : null;
  };

const forAdmins =
  (load: Find): Find =>
  async (context, id) =>
    context.caller.role === 'ADMIN' ? load(context, id) : null;

const finders: Record<NodeKind, Find> = {
  Film: ({ loaders }, id) => loaders.film.load(id),
  Subscription: visibleSubscription,
  Grant: ofViewer(({ loaders }, id) => loaders.grant.load(id)),
  Transaction: ofViewer(({ loaders }, id) => loaders.transaction.load(id)),
  Order: ofViewer(({ loaders }, id) => loaders.order.load(id)),
  Refund: ofViewer(({ loaders }, id) => loaders.refund.load(id)),
  StripeEvent: forAdmins(({ loaders }, id) => loaders.stripeEvent.load(id)),
  // A viewer sees the root of their own proof, and refetches it by its id.
  LedgerRoot: async ({ caller, loaders }, id) => (caller.role === 'PUBLIC' ? null : loaders.ledgerRoot.load(id)),
  Reconciliation: forAdmins(({ loaders }, id) => loaders.reconciliation.load(id)),
};

@Resolver()
export class NodeResolver {
  @Query(() => NodeType, { nullable: true })
  async node(@Ctx() context: Context, @Arg('id', () => ID) nodeId: string): Promise<object | null> {
    const id = parseId(nodeId);
    const kind = id && (await context.services.accounts.kindOf(id));
    const row = id && kind && (await finders[kind](context, id));
    return row ? { __typename: kind, ...row } : null;
  }
}
