import type { Stripe } from 'stripe';
import type { Clock } from '../../clock.js';
import type { Order } from '../../entities/order.js';
import type { Refund, RefundStatus } from '../../entities/refund.js';
import type { Database, Queryable, Statement } from '../../stores/database.js';
import { endedStatuses } from '../grants/ended-statuses.js';
import { lockGrantOfOrder } from '../grants/find-grant.js';
import { inTransaction, type Surroundings } from '../in-transaction.js';
import { type Announcer, Wallet } from '../ledger/wallet.js';
import { type Applied, PaymentNotYetKnown } from '../payment-not-yet-known.js';
import { findOrderOfPayment, lockOrder } from '../purchases/find-order.js';
import { idOf } from '../stripe-references.js';
import { isUuid } from '../uuid.js';
import { decideStripeRefund } from './decide-stripe-refund.js';
import { findRefund, findRefundByStripeId, lockRefund, readGrantFacts, readLeftOnPayments } from './find-refund.js';
import { endRefundedGrant, recordRefund } from './record-refund.js';

const moveRefund: Statement = {
  name: 'stripe-refunds-move',
  text: `update refunds set status = $2, stripe_refund_id = coalesce(stripe_refund_id, $3), failure_reason = $4, completed_at = $5,
    next_attempt_at = null, last_error = null where id = $1`,
};
const nameAtStripe: Statement = {
  name: 'stripe-refunds-name',
  text: `update refunds set stripe_refund_id = $2 where id = $1 and stripe_refund_id is null`,
};

/** What follows for the ledger when Stripe says how a refund stands: ours, or one made in its dashboard (rules 6 and 7). */
export class StripeRefunds {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly announcer: Announcer,
  ) {}

  /**
   * Brings our side to where Stripe's refund stands; any number of times and in any order. Throws PaymentNotYetKnown for a
   * refund made in the dashboard whose payment is not fulfilled here yet.
   */
  async applyStripeRefund(stripeRefund: Stripe.Refund, surroundings: Surroundings = {}): Promise<Applied> {
    return inTransaction(this.database, surroundings, async (transaction, afterCommit) => {
      const now = this.clock.now();
      const known = await this.find(transaction, stripeRefund);
      if (known) {
        const wallet = await Wallet.lock(transaction, known, now, afterCommit, this.announcer);
        await this.move(transaction, wallet, known.id, stripeRefund, now);
        return 'APPLIED';
      }
      const paymentIntentId = idOf(stripeRefund.payment_intent);
      if (!paymentIntentId) return 'NOT_OURS';
      const order = await findOrderOfPayment(transaction, paymentIntentId);
      if (!order) throw new PaymentNotYetKnown(paymentIntentId);
      const wallet = await Wallet.lock(transaction, order, now, afterCommit, this.announcer);
      const made =
        (await this.find(transaction, stripeRefund)) ?? (await this.adopt(transaction, wallet, order.id, stripeRefund, now));
      await this.move(transaction, wallet, made.id, stripeRefund, now);
      return 'APPLIED';
    });
  }

  /** Stripe refused the refund for good: the hold is released, the money stays in the balance. */
  async fail(refundId: string, reason: string): Promise<void> {
    await inTransaction(this.database, {}, async (transaction, afterCommit) => {
      const refund = await findRefund(transaction, refundId);
      if (!refund) throw new Error(`refund ${refundId} is gone`);
      const now = this.clock.now();
      const wallet = await Wallet.lock(transaction, refund, now, afterCommit, this.announcer);
      const locked = await lockRefund(transaction, refundId);
      if (locked?.status !== 'PENDING') return;
      await wallet.releaseHold(refundId);
      await transaction.query(moveRefund, [refundId, 'FAILED', null, reason, now]);
    });
  }

  private async find(transaction: Queryable, stripeRefund: Stripe.Refund): Promise<Refund | null> {
    const byStripeId = await findRefundByStripeId(transaction, stripeRefund.id);
    if (byStripeId) return byStripeId;
    const refundId = stripeRefund.metadata?.refund_id;
    return isUuid(refundId) ? findRefund(transaction, refundId) : null;
  }

  private async move(
    transaction: Queryable,
    wallet: Wallet,
    refundId: string,
    stripeRefund: Stripe.Refund,
    now: Date,
  ): Promise<void> {
    const refund = await lockRefund(transaction, refundId);
    if (!refund) throw new Error(`refund ${refundId} is gone`);
    const held = refund.origin === 'REQUEST';
    const end = (status: RefundStatus, reason: string | null) =>
      transaction.query(moveRefund, [refund.id, status, stripeRefund.id, reason, now]);
    switch (decideStripeRefund(refund.status, stripeRefund.status)) {
      case 'SUCCEED':
        if (held) await wallet.captureHold(refund.id, debitOf(refund));
        await end('SUCCEEDED', null);
        return;
      case 'FAIL':
        if (held) await wallet.releaseHold(refund.id);
        else await wallet.post(putBackOf(refund));
        await end('FAILED', reasonOf(stripeRefund));
        return;
      case 'PUT_BACK':
        await wallet.post(putBackOf(refund));
        await end('FAILED', reasonOf(stripeRefund));
        return;
      case 'NOTHING':
        if (refund.status === 'PENDING') await transaction.query(nameAtStripe, [refund.id, stripeRefund.id]);
        return;
    }
  }

  /**
   * A refund that somebody made in Stripe's dashboard: the money has left, so it leaves the balance, which may go below zero.
   * What had been spent on a grant comes back into the balance first, as far as it was not given back before; a payment that
   * is refunded in full ends its grant. One that has failed by now ends like one whose
   * failure is heard of later, but never counts against what the payment has left.
   */
  private async adopt(
    transaction: Queryable,
    wallet: Wallet,
    orderId: string,
    stripeRefund: Stripe.Refund,
    now: Date,
  ): Promise<Refund> {
    const order = (await lockOrder(transaction, orderId)) as Order;
    const grant = await lockGrantOfOrder(transaction, orderId);
    const spent = grant ? ((await readGrantFacts(transaction, [grant.id])).get(grant.id)?.spent ?? 0) : 0;
    const failed = decideStripeRefund('PENDING', stripeRefund.status) === 'FAIL';
    const refund = await recordRefund(
      transaction,
      {
        userId: order.userId,
        origin: 'STRIPE',
        destination: 'CARD',
        status: failed ? 'FAILED' : 'PENDING',
        amount: stripeRefund.amount,
        currency: order.currency,
        grantId: grant?.id ?? null,
        orderId,
        stripeRefundId: stripeRefund.id,
      },
      now,
    );
    const credit = Math.min(refund.amount, spent);
    if (credit > 0) await wallet.post({ ...common(refund), amount: credit, counterAccount: 'REVENUE' });
    await wallet.post(debitOf(refund));
    if (failed) {
      await wallet.post(putBackOf(refund));
      await transaction.query(moveRefund, [refund.id, 'FAILED', stripeRefund.id, reasonOf(stripeRefund), now]);
    }
    const left = ((await readLeftOnPayments(transaction, [orderId])).get(orderId) ?? 0) - (failed ? refund.amount : 0);
    if (grant && left <= 0 && !endedStatuses.has(grant.status)) {
      await endRefundedGrant(transaction, grant.id, now);
      await wallet.noteGrantChange(grant.id);
    }
    return refund;
  }
}

const common = (refund: Refund) => ({
  kind: 'REFUND' as const,
  refundId: refund.id,
  grantId: refund.grantId,
  orderId: refund.orderId,
});
const debitOf = (refund: Refund) => ({ ...common(refund), amount: -refund.amount, counterAccount: 'STRIPE' as const });
const putBackOf = (refund: Refund) => ({ ...common(refund), amount: refund.amount, counterAccount: 'STRIPE' as const });
const reasonOf = (stripeRefund: Stripe.Refund) => stripeRefund.failure_reason ?? `Stripe says ${stripeRefund.status}.`;
