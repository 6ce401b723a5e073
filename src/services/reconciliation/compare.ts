import type Stripe from 'stripe';
import type { ReconciliationFindingKind } from '../../entities/reconciliation-finding.js';
import { type DisputeNews, mergeDispute, stateOf, takenBy } from '../disputes/decide-dispute.js';
import { isPaid } from '../purchases/decide-session.js';
import { decideStripeRefund, isOurRefund, refundNamedBy, refundStatusOf } from '../refunds/decide-stripe-refund.js';
import { idOf } from '../stripe-events/stripe-references.js';
import type { DisputeRecord, MovedRecord, OrderRecord, PaymentRecord, PriceRecord, RefundRecord } from './our-records.js';

/** One thing that stands differently here and at Stripe. */
export interface Difference {
  readonly kind: ReconciliationFindingKind;
  /** Stripe's object. */
  readonly stripeId: string | null;
  readonly orderId: string | null;
  readonly userId: string | null;
  /** What should be, and what is, in words. */
  readonly detail: string;
  /** Would applying Stripe's object once more mend it? */
  readonly repairable: boolean;
}

/** An amount in the currency's minor unit, for people. */
export const money = (amount: number | null, currency: string | null): string =>
  `${amount ?? 'unknown'} ${currency?.toUpperCase() ?? ''} (minor units)`;

type Session = Pick<Stripe.Checkout.Session, 'id' | 'status' | 'payment_status' | 'amount_total' | 'currency' | 'metadata'>;

/**
 * A checkout session beside our order; null when they agree. A session that is open, expired or still waits for its payment
 * agrees with every order that is not paid: the order follows by itself. A paid one that names an order of ours which is not
 * here (a database restored to an earlier point has lost it) is told; one that names none was sold by somebody else.
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
  const detail = `Stripe took ${money(amount_total, currency)} for order ${named}, which is not here.`;
  return { kind: 'PAID_WITHOUT_GRANT', stripeId: id, orderId: null, userId: null, detail, repairable: false };
}

/** The order is here, with another session: either that one is to be paid still, or the order was paid twice. */
function paidForAnotherSession({ amount_total, currency }: Session, order: OrderRecord) {
  const took = `Stripe took ${money(amount_total, currency)} by another session than the order's, ${order.stripeSessionId}`;
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
  const here = `${money(order.capturedAmount, order.currency)} with the order and ${money(order.toppedUp, order.currency)} in the ledger`;
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
      order.stripeSessionId ? 'Stripe does not know its session' : 'no session of it is recorded here'
    }.`,
    repairable: false,
  };
}

type StripeRefund = Pick<Stripe.Refund, 'id' | 'amount' | 'currency' | 'status' | 'metadata' | 'payment_intent'>;

/** Of the records that Stripe's refund has the id of or names, the one that it is by rule 8; null when it is none of them. */
export const ourRefundOf = (theirs: StripeRefund, records: readonly RefundRecord[], payment: PaymentRecord | null) =>
  records.find((record) => isOurRefund(theirs, record, payment?.paymentIntentId ?? null)) ?? null;

/** Stripe's refund beside ours; null when they agree, or when it is of a payment that is not ours. */
export function compareRefund(theirs: StripeRefund, ours: RefundRecord | null, payment: PaymentRecord | null): Difference | null {
  if (!payment) return null;
  const about = { kind: 'REFUND_DIFFERS', stripeId: theirs.id, orderId: payment.orderId, userId: payment.userId } as const;
  const status = refundStatusOf(theirs.status);
  const there = `Stripe has a refund of ${money(theirs.amount, theirs.currency)}, ${status}`;
  if (theirs.currency.toUpperCase() !== payment.currency) {
    return { ...about, detail: `${there}; its order is in ${payment.currency}: it is never booked.`, repairable: false };
  }
  if (!ours) return { ...about, detail: `${there}; here there is none.`, repairable: true };
  if (ours.amount !== theirs.amount) {
    return { ...about, detail: `${there}; here it is ${money(ours.amount, ours.currency)}.`, repairable: false };
  }
  if (ours.status !== status) {
    const repairable = !['NAME', 'NOTHING'].includes(decideStripeRefund(ours, theirs.status));
    return { ...about, detail: `Stripe says ${status}; here it is ${ours.status}.`, repairable };
  }
  const named = refundNamedBy(theirs);
  if (named === null || named === ours.id || ours.origin === 'REQUEST') return null;
  const detail = `${there}, which names our refund ${named} and is not it: booked as made at Stripe.`;
  return { ...about, detail, repairable: false };
}

/** A refund that is done here and that Stripe does not have. */
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

/** Stripe's dispute beside ours; null when they agree, or when it is about a payment that is not ours. */
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
  if (!ours) return { ...about, detail: `${there}; here there is none.`, repairable: true };
  const merged = mergeDispute(ours, theirs);
  const moves = merged.outcome !== ours.outcome || merged.amount !== ours.amount || takenBy(merged) !== takenBy(ours);
  if (!moves && news.outcome === ours.outcome && theirs.amount === ours.amount) return null;
  const here = `here it is of ${money(ours.amount, ours.currency)}, ${ours.outcome}, ${takenBy(ours)} taken`;
  return { ...about, detail: `${there}; ${here}.`, repairable: moves };
}

/** A dispute that is here and that Stripe does not have. */
export function disputeUnknownToStripe(ours: DisputeRecord): Difference {
  const { stripeDisputeId, orderId, userId, amount, currency, outcome } = ours;
  const detail = `Here a dispute of ${money(amount, currency)} is ${outcome}, ${takenBy(ours)} taken; Stripe does not know it.`;
  return { kind: 'DISPUTE_DIFFERS', stripeId: stripeDisputeId, orderId, userId, detail, repairable: false };
}

/** What Stripe has moved for one payment, refund or dispute, fees left aside. */
export interface Movement {
  readonly kind: 'PAYMENT' | 'REFUND' | 'DISPUTE';
  /** Of the payment intent, refund or dispute. */
  readonly stripeId: string;
  /** In minor units; what left is negative, what left and came back is 0. */
  readonly amount: number;
  readonly currency: string;
}

/**
 * The movement behind a balance transaction whose source is expanded. Null for what is none of a payment's (a payout, a fee
 * of Stripe's), and for money that Stripe has changed into the account's currency: there its amount is another than the
 * viewer's, and what is compared of session, refund and dispute has to do.
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
    // One that failed is on the balance twice: gone, and come back.
    return { kind: 'REFUND', stripeId: source.id, amount: source.failure_balance_transaction ? 0 : amount, currency };
  }
  if (source.object !== 'dispute') return null;
  const parts = source.balance_transactions;
  return { kind: 'DISPUTE', stripeId: source.id, amount: parts.reduce((sum, part) => sum + part.amount, 0), currency };
}

/**
 * What Stripe moved beside what the ledger moved; null when they agree, and when `ours` is null (not ours, or told of where
 * payments, refunds and disputes are compared). Not repairable: nobody may post an amount that no rule explains.
 */
export function compareMovement(theirs: Movement, ours: MovedRecord | null): Difference | null {
  if (!ours?.settled) return null;
  if (theirs.amount === ours.moved && (theirs.amount === 0 || theirs.currency.toUpperCase() === ours.currency)) return null;
  const about = { stripeId: theirs.stripeId, orderId: ours.orderId, userId: ours.userId };
  const detail = `Stripe moved ${money(theirs.amount, theirs.currency)}; the ledger moved ${money(ours.moved, ours.currency)}.`;
  return { ...about, kind: 'AMOUNT_DIFFERS', detail, repairable: false };
}

/** With its product expanded. */
export type StripePrice = Pick<Stripe.Price, 'id' | 'active' | 'unit_amount' | 'currency' | 'product'>;

/**
 * The price at Stripe beside the subscription that is on sale; null when they agree. `theirs` is null when Stripe has none.
 * Copying the subscription once more mends whatever is wrong: a price of Stripe cannot be changed, so a new one takes the place
 * of a wrong one, which is archived; an archived one is put on sale again.
 */
export function comparePrice(theirs: StripePrice | null, ours: PriceRecord): Difference | null {
  const wrong = theirs ? whatIsWrong(theirs, ours) : 'Stripe does not know it';
  if (wrong === null) return null;
  const detail = `Subscription ${ours.subscriptionId} costs ${money(ours.price, ours.currency)}; its price at Stripe: ${wrong}.`;
  return { kind: 'PRICE_DIFFERS', stripeId: ours.stripePriceId, orderId: null, userId: null, detail, repairable: true };
}

function whatIsWrong(theirs: StripePrice, ours: PriceRecord): string | null {
  if (theirs.unit_amount !== ours.price || theirs.currency.toUpperCase() !== ours.currency) {
    return money(theirs.unit_amount, theirs.currency);
  }
  if (!theirs.active) return 'archived';
  const { product } = theirs;
  const productId = idOf(product);
  if (productId !== ours.stripeProductId) return `of another product, ${productId}`;
  if (typeof product === 'string') return null;
  if (product.deleted) return 'its product is deleted';
  if (!product.active) return 'its product is archived';
  // Stripe may keep texts without the white space around them.
  if (product.name.trim() !== ours.title.trim()) return 'its product has another name';
  return (product.description ?? '').trim() === ours.description.trim() ? null : 'its product has another description';
}
