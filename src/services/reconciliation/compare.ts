import type Stripe from 'stripe';
import type { ReconciliationFindingKind } from '../../entities/reconciliation-finding.js';
import { type DisputeNews, mergeDispute, stateOf, takenBy } from '../disputes/decide-dispute.js';
import { isPaid } from '../purchases/decide-order.js';
import { decideStripeRefund, isOurRefund, refundNamedBy, refundStatusOf } from '../refunds/decide-refund.js';
import { idOf } from '../stripe-events/stripe-objects.js';
import type { DisputeRecord, MovedRecord, OrderRecord, PaymentRecord, PriceRecord, RefundRecord } from './our-records.js';

/** One difference between our records and Stripe. */
export interface Difference {
  readonly kind: ReconciliationFindingKind;
  /** Stripe's object. */
  readonly stripeId: string | null;
  readonly orderId: string | null;
  readonly userId: string | null;
  /** Describes the expected and the actual state. */
  readonly detail: string;
  /** Whether applying Stripe's object again may repair it. */
  readonly repairable: boolean;
}

/** Formats an amount in minor units for display. */
export const money = (amount: number | null, currency: string | null): string =>
  `${amount ?? 'unknown'} ${currency?.toUpperCase() ?? ''} (minor units)`;

type Session = Pick<Stripe.Checkout.Session, 'id' | 'status' | 'payment_status' | 'amount_total' | 'currency' | 'metadata'>;

/**
 * Compares a checkout session with our order; returns null if they agree. A session that is open, expired or still waiting for its
 * payment agrees with every order that is not paid, because the order is updated automatically. A paid session that names one of our
 * orders which does not exist here (lost by restoring an older backup) is reported; one that names none was sold by another system.
 */
export function compareSession(session: Session, order: OrderRecord | null): Difference | null {
  const paid = isPaid({ status: session.status, paymentStatus: session.payment_status });
  if (!order) return paid ? paidForLostOrder(session) : null;
  const about = { stripeId: session.id, orderId: order.id, userId: order.userId };
  if (order.stripeSessionId !== null && order.stripeSessionId !== session.id) {
    return paid ? { ...about, ...paidForAnotherSession(session, order) } : null;
  }
  if (paid && order.status !== 'PAID') {
    const detail = `Stripe took ${money(session.amount_total, session.currency)}; the order is ${order.status}.`;
    return { ...about, kind: 'PAID_WITHOUT_GRANT', detail, repairable: true };
  }
  if (paid && order.kind === 'PURCHASE' && order.grantId === null) {
    return { ...about, kind: 'PAID_WITHOUT_GRANT', detail: 'The order is PAID, but there is no grant.', repairable: false };
  }
  if (!paid && order.status === 'PAID') {
    const detail = `The order is PAID; Stripe says ${session.payment_status}, session ${session.status}.`;
    return { ...about, kind: 'GRANT_WITHOUT_PAYMENT', detail, repairable: false };
  }
  return paid ? compareAmounts(session, order, about) : null;
}

function paidForLostOrder({ id, metadata, amount_total, currency }: Session): Difference | null {
  const named = metadata?.order_id;
  if (!named) return null;
  const detail = `Stripe took ${money(amount_total, currency)} for order ${named}, which does not exist here.`;
  return { kind: 'PAID_WITHOUT_GRANT', stripeId: id, orderId: null, userId: null, detail, repairable: false };
}

/** The order has another session: either that one is still unpaid, or the order was paid twice. */
function paidForAnotherSession({ amount_total, currency }: Session, order: OrderRecord) {
  const took = `Stripe took ${money(amount_total, currency)} through a different session from the order's, ${order.stripeSessionId}`;
  const detail = `${took}; the order is ${order.status}.`;
  return { kind: 'PAID_WITHOUT_GRANT' as const, detail, repairable: order.status !== 'PAID' };
}

function compareAmounts(
  session: Session,
  order: OrderRecord,
  about: Pick<Difference, 'stripeId' | 'orderId' | 'userId'>,
): Difference | null {
  const captured = session.amount_total ?? 0;
  const sameCurrency = captured === 0 || session.currency?.toUpperCase() === order.currency;
  if (sameCurrency && captured === order.capturedAmount && captured === order.toppedUp) return null;
  const here = `${money(order.capturedAmount, order.currency)} on the order and ${money(order.toppedUp, order.currency)} in the ledger`;
  const detail = `Stripe took ${money(captured, session.currency)}; here it is ${here}.`;
  return { ...about, kind: 'AMOUNT_DIFFERS', detail, repairable: false };
}

/** A PAID order whose session Stripe does not have. */
export function sessionUnknownToStripe(order: OrderRecord): Difference {
  return {
    kind: 'GRANT_WITHOUT_PAYMENT',
    stripeId: order.stripeSessionId,
    orderId: order.id,
    userId: order.userId,
    detail: `The order is PAID with ${money(order.capturedAmount, order.currency)}; ${
      order.stripeSessionId ? 'Stripe does not know its session' : 'no session is recorded for it here'
    }.`,
    repairable: false,
  };
}

type StripeRefund = Pick<Stripe.Refund, 'id' | 'amount' | 'currency' | 'status' | 'metadata' | 'payment_intent'>;

/** Returns which record, among those whose id Stripe's refund has or names, is that refund by rule 8; null if none is. */
export const ourRefundOf = (theirs: StripeRefund, records: readonly RefundRecord[], payment: PaymentRecord | null) =>
  records.find((record) => isOurRefund(theirs, record, payment?.paymentIntentId ?? null)) ?? null;

/** Compares Stripe's refund with ours; returns null if they agree, or if the refund is of a payment that is not ours. */
export function compareRefund(theirs: StripeRefund, ours: RefundRecord | null, payment: PaymentRecord | null): Difference | null {
  if (!payment) return null;
  const about = { kind: 'REFUND_DIFFERS', stripeId: theirs.id, orderId: payment.orderId, userId: payment.userId } as const;
  const status = refundStatusOf(theirs.status);
  const there = `Stripe has a refund of ${money(theirs.amount, theirs.currency)}, ${status}`;
  if (theirs.currency.toUpperCase() !== payment.currency) {
    return { ...about, detail: `${there}; its order is in ${payment.currency}: it is never booked.`, repairable: false };
  }
  if (!ours) return { ...about, detail: `${there}; there is none here.`, repairable: true };
  if (ours.amount !== theirs.amount) {
    return { ...about, detail: `${there}; here it is ${money(ours.amount, ours.currency)}.`, repairable: false };
  }
  if (ours.status !== status) {
    const repairable = !['NAME', 'NOTHING'].includes(decideStripeRefund(ours, theirs.status));
    return { ...about, detail: `Stripe says ${status}; here it is ${ours.status}.`, repairable };
  }
  const named = refundNamedBy(theirs);
  if (named === null || named === ours.id || ours.origin === 'REQUEST') return null;
  const detail = `${there}, which names our refund ${named} but is not that refund: booked as made at Stripe.`;
  return { ...about, detail, repairable: false };
}

/** A refund that is complete here but that Stripe does not have. */
export function refundUnknownToStripe(ours: RefundRecord): Difference {
  return {
    kind: 'REFUND_DIFFERS',
    stripeId: ours.stripeRefundId,
    orderId: ours.orderId,
    userId: ours.userId,
    detail: `Here a refund of ${money(ours.amount, ours.currency)} is ${ours.status}; Stripe does not know it.`,
    repairable: false,
  };
}

type StripeDispute = DisputeNews & { readonly id: string };

/** Compares Stripe's dispute with ours; returns null if they agree, or if the dispute is about a payment that is not ours. */
export function compareDispute(
  theirs: StripeDispute,
  ours: DisputeRecord | null,
  payment: PaymentRecord | null,
): Difference | null {
  if (!payment) return null;
  const about = { kind: 'DISPUTE_DIFFERS', stripeId: theirs.id, orderId: payment.orderId, userId: payment.userId } as const;
  const news = stateOf(theirs);
  const there = `Stripe has a dispute of ${money(theirs.amount, theirs.currency)}, ${theirs.status}, ${takenBy(news)} taken`;
  if (theirs.currency.toUpperCase() !== payment.currency) {
    return { ...about, detail: `${there}; its order is in ${payment.currency}: it is never booked.`, repairable: false };
  }
  if (!ours) return { ...about, detail: `${there}; there is none here.`, repairable: true };
  const merged = mergeDispute(ours, theirs);
  const moves = merged.outcome !== ours.outcome || merged.amount !== ours.amount || takenBy(merged) !== takenBy(ours);
  if (!moves && news.outcome === ours.outcome && theirs.amount === ours.amount) return null;
  const here = `here it is of ${money(ours.amount, ours.currency)}, ${ours.outcome}, ${takenBy(ours)} taken`;
  return { ...about, detail: `${there}; ${here}.`, repairable: moves };
}

/** A dispute that is recorded here but that Stripe does not have. */
export function disputeUnknownToStripe(ours: DisputeRecord): Difference {
  const { stripeDisputeId, orderId, userId, amount, currency, outcome } = ours;
  const detail = `Here a dispute of ${money(amount, currency)} is ${outcome}, ${takenBy(ours)} taken; Stripe does not know it.`;
  return { kind: 'DISPUTE_DIFFERS', stripeId: stripeDisputeId, orderId, userId, detail, repairable: false };
}

/** What Stripe has moved for one payment, refund or dispute, without fees. */
export interface Movement {
  readonly kind: 'PAYMENT' | 'REFUND' | 'DISPUTE';
  /** The id of the payment intent, refund or dispute. */
  readonly stripeId: string;
  /** In minor units: negative if money left, 0 if it left and came back. */
  readonly amount: number;
  readonly currency: string;
}

/**
 * Returns the movement behind a balance transaction whose source is expanded. Null if it does not belong to a payment (a payout, a
 * Stripe fee), or if Stripe has converted the money to the account's currency: then its amount differs from the viewer's, and comparing
 * session, refund and dispute has to suffice.
 * Sources: https://docs.stripe.com/api/balance_transactions/object and https://docs.stripe.com/reports/balance-transaction-types
 */
export function movementOf({ source, amount, currency }: Stripe.BalanceTransaction): Movement | null {
  if (source === null || typeof source === 'string') return null;
  if (!('currency' in source) || source.currency !== currency) return null;
  if (source.object === 'charge') {
    const stripeId = idOf(source.payment_intent);
    return stripeId ? { kind: 'PAYMENT', stripeId, amount, currency } : null;
  }
  if (source.object === 'refund') {
    // A failed refund appears twice on the balance: out, and back in.
    return { kind: 'REFUND', stripeId: source.id, amount: source.failure_balance_transaction ? 0 : amount, currency };
  }
  if (source.object !== 'dispute') return null;
  const parts = source.balance_transactions;
  return { kind: 'DISPUTE', stripeId: source.id, amount: parts.reduce((sum, part) => sum + part.amount, 0), currency };
}

/**
 * Compares what Stripe moved with what the ledger moved; returns null if they agree, and if `ours` is null (not ours, or reported where
 * payments, refunds and disputes are compared). Not repairable: an amount that no rule explains must not be posted.
 */
export function compareMovement(theirs: Movement, ours: MovedRecord | null): Difference | null {
  if (!ours?.settled) return null;
  if (theirs.amount === ours.moved && (theirs.amount === 0 || theirs.currency.toUpperCase() === ours.currency)) return null;
  const about = { stripeId: theirs.stripeId, orderId: ours.orderId, userId: ours.userId };
  const detail = `Stripe moved ${money(theirs.amount, theirs.currency)}; the ledger moved ${money(ours.moved, ours.currency)}.`;
  return { ...about, kind: 'AMOUNT_DIFFERS', detail, repairable: false };
}

/** A price with its product expanded. */
export type StripePrice = Pick<Stripe.Price, 'id' | 'active' | 'unit_amount' | 'currency' | 'product'>;

/**
 * Compares the price at Stripe with the subscription that is on sale; returns null if they agree. `theirs` is null if Stripe has none.
 * Copying the subscription again repairs any difference: a Stripe price cannot be changed, so a wrong one is archived and replaced with
 * a new one; an archived price is activated again.
 */
export function comparePrice(theirs: StripePrice | null, ours: PriceRecord): Difference | null {
  const wrong = theirs ? describePriceFault(theirs, ours) : 'Stripe does not know it';
  if (wrong === null) return null;
  const detail = `Subscription ${ours.subscriptionId} costs ${money(ours.price, ours.currency)}; its price at Stripe: ${wrong}.`;
  return { kind: 'PRICE_DIFFERS', stripeId: ours.stripePriceId, orderId: null, userId: null, detail, repairable: true };
}

function describePriceFault(theirs: StripePrice, ours: PriceRecord): string | null {
  if (theirs.unit_amount !== ours.price || theirs.currency.toUpperCase() !== ours.currency) {
    return money(theirs.unit_amount, theirs.currency);
  }
  if (!theirs.active) return 'archived';
  const { product } = theirs;
  const productId = idOf(product);
  if (productId !== ours.stripeProductId) return `it belongs to another product, ${productId}`;
  if (typeof product === 'string') return null;
  if (product.deleted) return 'its product is deleted';
  if (!product.active) return 'its product is archived';
  // Stripe may trim whitespace.
  if (product.name.trim() !== ours.title.trim()) return 'its product has another name';
  return (product.description ?? '').trim() === ours.description.trim() ? null : 'its product has another description';
}
