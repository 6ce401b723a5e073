import type { Stripe } from 'stripe';
import type { Clock } from '../../clock.js';
import type { Dispute } from '../../entities/dispute.js';
import type { Grant } from '../../entities/grant.js';
import type { Database, Queryable, Statement } from '../../stores/database.js';
import { endedStatuses } from '../grants/ended-statuses.js';
import { lockGrantOfOrder } from '../grants/find-grant.js';
import { inTransaction, type Surroundings } from '../in-transaction.js';
import { type Announcer, Wallet } from '../ledger/wallet.js';
import { newId } from '../new-id.js';
import { type Applied, PaymentNotYetKnown } from '../payment-not-yet-known.js';
import { findOrderOfPayment } from '../purchases/find-order.js';
import { readGrantFacts } from '../refunds/find-refund.js';
import { idOf } from '../stripe-references.js';
import { decideDispute, decideDisputedAmount, type GrantConsequence, stateOf } from './decide-dispute.js';

const lockDispute: Statement = {
  name: 'disputes-lock',
  text: `select id, amount, outcome, funds from disputes where stripe_dispute_id = $1 for no key update`,
};
const insertDispute: Statement = {
  name: 'disputes-insert',
  text: `insert into disputes (id, user_id, order_id, stripe_dispute_id, amount, currency, outcome, funds, reason, created_at, updated_at)
    values ($1, $2, $3, $4, $5, $6, 'OPEN', 'UNTOUCHED', $7, $8, $8)`,
};
const moveDispute: Statement = {
  name: 'disputes-move',
  text: `update disputes set outcome = $2, funds = $3, updated_at = $4, amount = $5 where id = $1`,
};
const credited: Statement = {
  name: 'disputes-credited',
  text: `select coalesce(sum(amount), 0)::bigint as credit from transactions where dispute_id = $1 and counter_account = 'REVENUE'`,
};
const otherOpenDispute: Statement = {
  name: 'disputes-other-open',
  text: `select 1 from disputes where order_id = $1 and id <> $2 and outcome = 'OPEN' and funds = 'WITHDRAWN' limit 1`,
};
const changeGrant: Statement = {
  name: 'disputes-change-grant',
  text: `update grants set status = $2, ended_at = $3, reason = coalesce($4, reason) where id = $1`,
};

type KnownDispute = Pick<Dispute, 'id' | 'amount' | 'outcome' | 'funds'>;

/**
 * Rule 7: while a dispute has taken the money, the grant is frozen, what was spent on it is given back to the balance, and the
 * disputed amount leaves the balance, which may go below zero (a top-up that was spent elsewhere). Won: all of it is undone.
 * Lost: the grant is revoked.
 */
export class Disputes {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly announcer: Announcer,
  ) {}

  /** Any number of times and in any order. Throws PaymentNotYetKnown when the payment is not fulfilled here yet. */
  async applyDispute(stripeDispute: Stripe.Dispute, surroundings: Surroundings = {}): Promise<Applied> {
    const paymentIntentId = idOf(stripeDispute.payment_intent);
    if (!paymentIntentId) return 'NOT_OURS';
    return inTransaction<Applied>(this.database, surroundings, async (transaction, afterCommit) => {
      const order = await findOrderOfPayment(transaction, paymentIntentId);
      if (!order) throw new PaymentNotYetKnown(paymentIntentId);
      if (stripeDispute.currency.toUpperCase() !== order.currency) {
        throw new Error(`dispute ${stripeDispute.id} is in ${stripeDispute.currency}, its order in ${order.currency}`);
      }
      const now = this.clock.now();
      const wallet = await Wallet.lock(transaction, order, now, afterCommit, this.announcer);
      const dispute = await this.lockOrRecord(transaction, order, stripeDispute, now);
      const consequence = decideDispute(dispute, stateOf(stripeDispute.status));
      const grant = await lockGrantOfOrder(transaction, order.id);
      const amount = decideDisputedAmount(dispute, consequence.money, stripeDispute.amount);
      if (consequence.money === 'WITHDRAW') await this.withdraw(transaction, wallet, dispute.id, order.id, stripeDispute, grant);
      if (consequence.money === 'REINSTATE')
        await this.reinstate(transaction, wallet, dispute, order.id, stripeDispute.reason, grant);
      await transaction.query(moveDispute, [dispute.id, consequence.state.outcome, consequence.state.funds, now, amount]);
      if (grant) await this.changeGrant(transaction, wallet, grant, dispute.id, order.id, consequence.grant, now);
      return 'APPLIED';
    });
  }

  private async lockOrRecord(
    transaction: Queryable,
    order: { id: string; userId: string; currency: string },
    stripeDispute: Stripe.Dispute,
    now: Date,
  ): Promise<KnownDispute> {
    const [known] = await transaction.query<KnownDispute>(lockDispute, [stripeDispute.id]);
    if (known) return known;
    const id = newId();
    const values = [
      id,
      order.userId,
      order.id,
      stripeDispute.id,
      stripeDispute.amount,
      order.currency,
      stripeDispute.reason,
      now,
    ];
    await transaction.query(insertDispute, values);
    return { id, amount: stripeDispute.amount, outcome: 'OPEN', funds: 'UNTOUCHED' };
  }

  private async withdraw(
    transaction: Queryable,
    wallet: Wallet,
    disputeId: string,
    orderId: string,
    stripeDispute: Stripe.Dispute,
    grant: Grant | null,
  ): Promise<void> {
    const spent = grant ? ((await readGrantFacts(transaction, [grant.id])).get(grant.id)?.spent ?? 0) : 0;
    const credit = Math.min(stripeDispute.amount, spent);
    const link = { kind: 'DISPUTE' as const, disputeId, orderId, grantId: grant?.id ?? null, reason: stripeDispute.reason };
    if (credit > 0) await wallet.post({ ...link, amount: credit, counterAccount: 'REVENUE' });
    await wallet.post({ ...link, amount: -stripeDispute.amount, counterAccount: 'STRIPE' });
  }

  /** Puts back exactly what was taken. */
  private async reinstate(
    transaction: Queryable,
    wallet: Wallet,
    dispute: KnownDispute,
    orderId: string,
    reason: string,
    grant: Grant | null,
  ): Promise<void> {
    const [given] = await transaction.query<{ credit: number }>(credited, [dispute.id]);
    const link = { kind: 'DISPUTE' as const, disputeId: dispute.id, orderId, grantId: grant?.id ?? null, reason };
    await wallet.post({ ...link, amount: dispute.amount, counterAccount: 'STRIPE' });
    if (given && given.credit > 0) await wallet.post({ ...link, amount: -given.credit, counterAccount: 'REVENUE' });
  }

  private async changeGrant(
    transaction: Queryable,
    wallet: Wallet,
    grant: Grant,
    disputeId: string,
    orderId: string,
    consequence: GrantConsequence,
    now: Date,
  ): Promise<void> {
    if (consequence === 'NOTHING' || endedStatuses.has(grant.status)) return;
    if (consequence === 'SUSPEND' && grant.status !== 'ACTIVE') return;
    if (consequence === 'RESTORE') {
      if (grant.status !== 'SUSPENDED' || (await transaction.query(otherOpenDispute, [orderId, disputeId])).length > 0) return;
      const over = grant.availableUntil <= now;
      await transaction.query(changeGrant, [grant.id, over ? 'EXPIRED' : 'ACTIVE', over ? now : null, null]);
    } else if (consequence === 'SUSPEND') await transaction.query(changeGrant, [grant.id, 'SUSPENDED', null, null]);
    else await transaction.query(changeGrant, [grant.id, 'REVOKED', now, 'A dispute about the payment was lost.']);
    await wallet.noteGrantChange(grant.id);
  }
}
