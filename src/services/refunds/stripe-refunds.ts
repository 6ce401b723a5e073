import type { Stripe } from 'stripe';
import type { Order } from '../../entities/order.js';
import type { Refund, RefundStatus } from '../../entities/refund.js';
import { type Queryable, statement } from '../../stores/database.js';
import { lockGrantOfOrder } from '../grants/grants.js';
import type { JoinedTransaction } from '../ledger/joined-transaction.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Unit } from '../ledger/unit.js';
import { type Applied, idOf, PaymentNotFulfilledYet } from '../stripe-events/stripe-objects.js';
import { decideStripeRefund, isOurRefund, refundNamedBy } from './decide-refund.js';
import { bookOutsideMovement } from './outside-returns.js';
import { findOrderOfRefund, findRefund, findRefundByStripeId, lockRefund, recordRefund } from './refund-rows.js';

const moveRefund = statement('stripe-refunds-move')`update refunds
    set status = $2, stripe_refund_id = coalesce(stripe_refund_id, $3), failure_reason = $4, completed_at = $5,
    next_attempt_at = null, last_error = null where id = $1`;
const nameAtStripe = statement('stripe-refunds-name')`update refunds set stripe_refund_id = $2
    where id = $1 and stripe_refund_id is null returning id`;
const refundedOfOrder = statement('stripe-refunds-refunded-of-order')`select coalesce(sum(amount), 0)::bigint as refunded
    from refunds where order_id = $1 and status <> 'FAILED'`;
/** Our payouts that Stripe is not known to have, newest first. */
const unmadePayouts = statement('stripe-refunds-unmade-payouts')`select id, amount from refunds
    where order_id = $1 and origin = 'REQUEST' and status = 'PENDING' and stripe_refund_id is null order by created_at desc, id desc`;
const NO_ROOM = 'The payment was already refunded at Stripe. The money is in the balance.';

/** Applies Stripe's refunds to the ledger: ours, and those made in its dashboard (rules 7 and 8). */
export class StripeRefunds {
  constructor(
    private readonly database: Queryable,
    private readonly ledger: Ledger,
  ) {}

  /**
   * Brings our side up to date with Stripe's refund; any number of times and in any order. A refund in another currency than
   * its order's is never booked as money: it is reported. One that carries our metadata without being ours is booked, and
   * reported too.
   *
   * @throws PaymentNotFulfilledYet for a refund whose payment is not fulfilled here yet
   */
  async applyStripeRefund(stripeRefund: Stripe.Refund, joined: JoinedTransaction | null): Promise<Applied> {
    const paymentIntentId = idOf(stripeRefund.payment_intent);
    if (!paymentIntentId) return 'NOT_OURS';
    const order = await findOrderOfRefund(joined?.tx ?? this.database, stripeRefund.id, paymentIntentId);
    if (!order) throw new PaymentNotFulfilledYet(paymentIntentId);
    if (stripeRefund.currency.toUpperCase() !== order.currency) {
      joined?.report(inAnotherCurrency(stripeRefund, order));
      return 'REPORTED';
    }
    const apply = async (unit: Unit): Promise<Applied> => {
      const ours = await findOurs(unit.tx, stripeRefund, order);
      if (ours) await move(unit, order, ours.id, stripeRefund);
      else await adopt(unit, order, stripeRefund);
      const named = refundNamedBy(stripeRefund);
      if (named !== null && named !== ours?.id && ours?.origin !== 'REQUEST')
        unit.report(notTheOneItNames(stripeRefund.id, named));
      return 'APPLIED';
    };
    return this.ledger.change(order, apply, joined);
  }

  /** Stripe refused the refund permanently: the hold is released, and the money stays in the balance. */
  async fail(refundId: string, reason: string): Promise<void> {
    const refund = await findRefund(this.database, refundId);
    if (!refund) throw new Error(`refund ${refundId} is gone`);
    await this.ledger.change(refund, async (unit) => {
      const locked = await lockRefund(unit.tx, refundId);
      // A report of Stripe's refund may have arrived meanwhile: then the outcome is no longer ours to decide.
      if (locked?.status !== 'PENDING' || locked.stripeRefundId !== null) return;
      await abandon(unit, refundId, reason);
    });
  }
}

async function moveTo(
  unit: Unit,
  refundId: string,
  status: RefundStatus,
  stripeRefundId: string | null,
  reason: string | null,
): Promise<void> {
  await unit.tx.query(moveRefund, [refundId, status, stripeRefundId, reason, unit.now]);
  unit.changed('REFUND', refundId);
}

async function abandon(unit: Unit, refundId: string, reason: string): Promise<void> {
  await unit.releaseHold(refundId);
  await moveTo(unit, refundId, 'FAILED', null, reason);
}

/**
 * Stripe refunds no more of a payment than it captured: when it has refunded the money that our payouts were for, they can no
 * longer be made, whether Stripe has already refused them or not. Their money must not be spent before the refund that was made
 * is debited.
 */
async function makeRoom(unit: Unit, order: Order, amount: number): Promise<void> {
  const [row] = await unit.tx.query<{ refunded: number }>(refundedOfOrder, [order.id]);
  let excess = (row?.refunded ?? 0) + amount - (order.capturedAmount ?? 0);
  if (excess <= 0) return;
  for (const payout of await unit.tx.query<Pick<Refund, 'id' | 'amount'>>(unmadePayouts, [order.id])) {
    if (excess <= 0) return;
    await abandon(unit, payout.id, NO_ROOM);
    excess -= payout.amount;
  }
}

/**
 * Which refund of ours Stripe's is; null for one that was made at Stripe and is new to us. The caller must hold the viewer's
 * lock.
 */
async function findOurs(tx: Queryable, stripeRefund: Stripe.Refund, order: Order): Promise<Refund | null> {
  const byStripeId = await findRefundByStripeId(tx, stripeRefund.id);
  if (byStripeId) return byStripeId;
  const named = refundNamedBy(stripeRefund);
  const candidate = named ? await findRefund(tx, named) : null;
  const ours = candidate?.orderId === order.id && isOurRefund(stripeRefund, candidate, order.stripePaymentIntentId);
  return ours ? candidate : null;
}

/** Applies Stripe's state to a refund that is recorded here. */
async function move(unit: Unit, order: Order, refundId: string, stripeRefund: Stripe.Refund): Promise<void> {
  // 1. Load
  const refund = await lockRefund(unit.tx, refundId);
  if (!refund) throw new Error(`refund ${refundId} is gone`);
  const requested = refund.origin === 'REQUEST';
  const end = (status: RefundStatus, reason: string | null) => moveTo(unit, refund.id, status, stripeRefund.id, reason);
  // 2. Decide
  const consequence = decideStripeRefund(refund, stripeRefund.status);
  // 3. Write; the ledger commits and notifies
  switch (consequence) {
    case 'SUCCEED':
      if (requested) await unit.captureHold(refund.id, debitOf(refund));
      await end('SUCCEEDED', null);
      return;
    case 'SUCCEED_AFTER_ALL':
      // Rule 8: its hold was released, and what was credited for it may be spent: the balance may go below zero.
      await makeRoom(unit, order, refund.amount);
      await end('SUCCEEDED', null);
      await unit.post(debitOf(refund));
      return;
    case 'FAIL':
      if (requested) await unit.releaseHold(refund.id);
      await end('FAILED', reasonOf(stripeRefund));
      if (!requested) await bookOutsideMovement(unit, { ...outside(refund), taken: -refund.amount });
      return;
    case 'PUT_BACK':
      await end('FAILED', reasonOf(stripeRefund));
      if (requested) await unit.post({ ...debitOf(refund), amount: refund.amount });
      else await bookOutsideMovement(unit, { ...outside(refund), taken: -refund.amount });
      return;
    case 'NAME':
      // A payout that is pending at Stripe is checked every hour: only the first check finds its name.
      if ((await unit.tx.query(nameAtStripe, [refund.id, stripeRefund.id])).length > 0) unit.changed('REFUND', refund.id);
      return;
    case 'NOTHING':
      return;
  }
}

/**
 * Records a refund that was made at Stripe: the money has left, so it leaves the balance, which may go below zero. One that has
 * already failed ends like one whose failure is reported later, but never counts against what the payment has left.
 */
async function adopt(unit: Unit, order: Order, stripeRefund: Stripe.Refund): Promise<void> {
  // 1. Load
  const grant = await lockGrantOfOrder(unit.tx, order.id);
  // 2. Decide
  const consequence = decideStripeRefund({ status: 'PENDING', stripeRefundId: null }, stripeRefund.status);
  const failed = consequence === 'FAIL';
  // 3. Write; the ledger commits and notifies
  if (!failed) await makeRoom(unit, order, stripeRefund.amount);
  const refund = await recordRefund(unit, {
    userId: order.userId,
    origin: 'STRIPE',
    destination: 'CARD',
    status: failed ? 'FAILED' : consequence === 'SUCCEED' ? 'SUCCEEDED' : 'PENDING',
    amount: stripeRefund.amount,
    currency: order.currency,
    grantId: grant?.id ?? null,
    orderId: order.id,
    stripeRefundId: stripeRefund.id,
  });
  const movement = { ...outside(refund), taken: refund.amount };
  await bookOutsideMovement(unit, failed ? { ...movement, alsoRefunded: refund.amount } : movement);
  if (!failed) return;
  await bookOutsideMovement(unit, { ...movement, taken: -refund.amount });
  await moveTo(unit, refund.id, 'FAILED', stripeRefund.id, reasonOf(stripeRefund));
}

const debitOf = ({ id, grantId, orderId, amount }: Refund) => ({
  kind: 'REFUND' as const,
  refundId: id,
  grantId,
  orderId,
  amount: -amount,
  counterAccount: 'STRIPE' as const,
});
const outside = ({ id, orderId }: Refund) => ({ kind: 'REFUND' as const, refundId: id, orderId: orderId as string });
const reasonOf = (stripeRefund: Stripe.Refund) => stripeRefund.failure_reason ?? `Stripe says ${stripeRefund.status}.`;
const inAnotherCurrency = ({ id, currency }: Stripe.Refund, order: Order) =>
  `Refund ${id} is in ${currency.toUpperCase()}, its order ${order.id} in ${order.currency}: not booked.`;
const notTheOneItNames = (stripeRefundId: string, named: string) =>
  `Refund ${stripeRefundId} names our refund ${named} and is not it: booked as made at Stripe.`;
