import type Stripe from 'stripe';
import type { Order } from '../../src/entities/order.js';
import { newId } from '../../src/services/ids.js';
import type { JoinedTransaction } from '../../src/services/ledger/joined-transaction.js';
import type { Shop } from './shop.js';

/** Stripe's objects, as its webhooks have them, about the payment of an order. Amounts in cents. */
export const refundOf = (order: Order, amount: number, more: Partial<Stripe.Refund> = {}): Stripe.Refund =>
  ({
    id: `re_${newId()}`,
    object: 'refund',
    amount,
    currency: 'usd',
    status: 'succeeded',
    payment_intent: order.stripePaymentIntentId,
    metadata: {},
    ...more,
  }) as Stripe.Refund;

/** `moved`: its balance transactions, negative for what Stripe took. Each has a fee, which is nobody's here. */
export const disputeOf = (
  order: Order,
  status: Stripe.Dispute['status'],
  moved: readonly number[],
  more: Partial<Stripe.Dispute> = {},
): Stripe.Dispute =>
  ({
    id: `du_${order.id}`,
    object: 'dispute',
    amount: Math.max(1, -moved.filter((part) => part < 0).reduce((sum, part) => sum + part, 0)),
    currency: 'usd',
    status,
    reason: 'fraudulent',
    payment_intent: order.stripePaymentIntentId,
    balance_transactions: moved.map((amount, index) => ({
      id: `txn_${order.id}_${index}`,
      amount,
      currency: 'usd',
      fee: amount < 0 ? 1_500 : 0,
      net: amount < 0 ? amount - 1_500 : amount,
    })),
    ...more,
  }) as unknown as Stripe.Dispute;

/** Sends the shop what Stripe reports, as a webhook would. */
export class StripeSays {
  readonly problems: string[] = [];

  constructor(private readonly shop: Shop) {}

  /** Returns the refund, so that it can be sent again. */
  async refunded(order: Order, amount: number, more: Partial<Stripe.Refund> = {}): Promise<Stripe.Refund> {
    const refund = refundOf(order, amount, more);
    await this.refund(refund);
    return refund;
  }

  refund(refund: Stripe.Refund) {
    return this.join((joined) => this.shop.desk.stripeRefunds.applyStripeRefund(refund, joined));
  }

  disputed(order: Order, status: Stripe.Dispute['status'], moved: readonly number[], more: Partial<Stripe.Dispute> = {}) {
    return this.join((joined) => this.shop.desk.disputes.applyDispute(disputeOf(order, status, moved, more), joined));
  }

  /** As the inbox does: in its transaction, whose problems it reads. */
  private join<Result>(apply: (joined: JoinedTransaction) => Promise<Result>): Promise<Result> {
    return this.shop.desk.ledger.open(async (joined) => {
      const applied = await apply(joined);
      this.problems.push(...joined.problems);
      return applied;
    });
  }
}
