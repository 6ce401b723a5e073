import type { Stripe } from 'stripe';
import type { Order } from '../../entities/order.js';
import type { Clock } from '../../runtime/clock.js';
import type { Database, Queryable, Statement } from '../../stores/database.js';
import { newId } from '../ids.js';
import { inTransaction, type JoinedTransaction } from '../ledger/in-transaction.js';
import { type ChangeNotifier, Wallet } from '../ledger/wallet.js';
import { findOrderOfPayment } from '../purchases/find-order.js';
import { bookOutsideMovement } from '../refunds/outside-returns.js';
import { type Applied, PaymentNotFulfilledYet } from '../stripe-events/payment-not-fulfilled-yet.js';
import { idOf } from '../stripe-events/stripe-references.js';
import { type DisputeState, mergeDispute, stateOf, takenBy } from './decide-dispute.js';

const lockDispute: Statement = {
  name: 'disputes-lock',
  text: `select id, amount, outcome, funds, withdrawn, reinstated, movements from disputes
    where stripe_dispute_id = $1 for no key update`,
};
const insertDispute: Statement = {
  name: 'disputes-insert',
  text: `insert into disputes (id, user_id, order_id, stripe_dispute_id, currency, reason, created_at, updated_at, amount, outcome, funds,
      withdrawn, reinstated, movements)
    values ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, $10, $11, $12, $13)`,
};
const moveDispute: Statement = {
  name: 'disputes-move',
  text: `update disputes set updated_at = $2, amount = $3, outcome = $4, funds = $5, withdrawn = $6, reinstated = $7, movements = $8
    where id = $1`,
};
const bookedForDispute: Statement = {
  name: 'disputes-booked',
  text: `select coalesce(- sum(amount), 0)::bigint as booked from transactions where dispute_id = $1 and counter_account = 'STRIPE'`,
};

type KnownDispute = DisputeState & { readonly id: string };

/**
 * Rules 7 and 9: while a dispute is open the grant is SUSPENDED. What Stripe has taken is credited from what was spent on the
 * grant and leaves the balance, which may go below zero (a top-up that was spent elsewhere); what it returns goes the same way
 * back. Lost, with nothing of the payment left: the grant is REVOKED.
 */
export class Disputes {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly notifier: ChangeNotifier,
  ) {}

  /**
   * Any number of times and in any order. A dispute in another currency than its order's never becomes money: it is reported.
   * @throws PaymentNotFulfilledYet when the payment is not fulfilled here yet
   */
  async applyDispute(stripeDispute: Stripe.Dispute, joined: JoinedTransaction = {}): Promise<Applied> {
    const paymentIntentId = idOf(stripeDispute.payment_intent);
    if (!paymentIntentId) return 'NOT_OURS';
    return inTransaction<Applied>(this.database, joined, async (tx, afterCommit) => {
      const order = await findOrderOfPayment(tx, paymentIntentId);
      if (!order) throw new PaymentNotFulfilledYet(paymentIntentId);
      const { id, currency, reason } = stripeDispute;
      if (currency.toUpperCase() !== order.currency) {
        joined.report?.(`Dispute ${id} is in ${currency.toUpperCase()}, its order ${order.id} in ${order.currency}: not booked.`);
        return 'REPORTED';
      }
      const now = this.clock.now();
      const wallet = await Wallet.lock(tx, order, now, afterCommit, this.notifier);
      const [known] = await tx.query<KnownDispute>(lockDispute, [id]);
      const state = known ? mergeDispute(known, stripeDispute) : stateOf(stripeDispute);
      const disputeId = await this.write(tx, known, order, stripeDispute, state, now);
      const [row] = await tx.query<{ booked: number }>(bookedForDispute, [disputeId]);
      const taken = takenBy(state) - (row?.booked ?? 0);
      const lost = state.outcome === 'LOST' && known?.outcome !== 'LOST';
      await bookOutsideMovement(tx, wallet, { kind: 'DISPUTE', taken, disputeId, orderId: order.id, reason, lost }, now);
      return 'APPLIED';
    });
  }

  private async write(
    tx: Queryable,
    known: KnownDispute | undefined,
    order: Order,
    stripeDispute: Stripe.Dispute,
    { amount, outcome, funds, withdrawn, reinstated, movements }: DisputeState,
    now: Date,
  ): Promise<string> {
    const values = [amount, outcome, funds, withdrawn, reinstated, movements];
    if (known) {
      await tx.query(moveDispute, [known.id, now, ...values]);
      return known.id;
    }
    const id = newId();
    const { id: stripeDisputeId, reason } = stripeDispute;
    await tx.query(insertDispute, [id, order.userId, order.id, stripeDisputeId, order.currency, reason, now, ...values]);
    return id;
  }
}
