import type { Balance } from '../../entities/balance.js';
import type { Grant, PaymentMethod } from '../../entities/grant.js';
import type { Order } from '../../entities/order.js';
import type { Clock } from '../../runtime/clock.js';
import { orderColumns } from '../../stores/columns.js';
import { type Database, statement } from '../../stores/database.js';
import { maxPayment, stripeStep } from '../../stores/stripe-amounts.js';
import { recordAudit } from '../audit/audit.js';
import { type Caller, canAccess, requireUserId } from '../caller.js';
import {
  type BillingError,
  currencyMismatch,
  invalidInput,
  notFound,
  notInSteps,
  outOfBounds,
  Refusal,
  refusalsAsData,
  wrongState,
} from '../errors.js';
import { parseId } from '../ids.js';
import { type IdempotentRequest, requestOf } from '../ledger/idempotency.js';
import type { Ledger } from '../ledger/ledger.js';
import { type BuyFromBalance, notOnSale } from './buy-from-balance.js';
import { findOrder, orderById } from './fulfilment.js';
import type { Offer, Offers } from './offer.js';
import type { OpenOrder } from './open-order.js';
import type { OrderSessions } from './order-sessions.js';
import { checkReturnUrl } from './return-url.js';

export interface PurchaseInput {
  subscriptionId: string;
  payWith: PaymentMethod;
  idempotencyKey: string;
  returnUrl?: string | null;
}

export interface TopUpInput {
  amount: number;
  currency: string;
  idempotencyKey: string;
  returnUrl?: string | null;
}

export interface PurchaseSettings {
  readonly currency: string;
  /** Limits of a top-up, in minor units. */
  readonly topUpMinimum: number;
  readonly topUpMaximum: number;
  /** Limits of one payment at Stripe, in minor units. */
  readonly paymentMinimum: number;
  readonly paymentMaximum: number;
  /** Stripe accepts 30 minutes to 24 hours. */
  readonly checkoutLifetimeMs: number;
  readonly allowedOrigins: readonly string[];
  /** Where Stripe returns the viewer when the request does not say. */
  readonly defaultReturnUrl: string;
}

export interface PurchasePayload {
  grant?: Grant;
  order?: Order;
  balance?: Balance;
  errors: BillingError[];
}

const requestCancellation = statement('purchases-request-cancellation')`update orders o
    set cancel_requested_at = coalesce(cancel_requested_at, $2) where id = $1 and status = 'OPEN'
    returning ${orderColumns}`;

/**
 * Rules 1 to 3: buying from the balance, buying by card, and topping up; and the lifecycle of the orders for the latter two.
 */
export class Purchases {
  constructor(
    private readonly database: Pick<Database, 'query' | 'forViewer'>,
    private readonly clock: Clock,
    private readonly ledger: Ledger,
    private readonly offers: Offers,
    private readonly fromBalance: BuyFromBalance,
    private readonly sessions: OrderSessions,
    private readonly openOrder: OpenOrder,
    private readonly settings: PurchaseSettings,
  ) {}

  /**
   * From the balance: the grant, immediately. By card: the open order with its checkout URL, or the PAID order if it was paid
   * in that moment.
   *
   * @throws NOT_FOUND, NOT_ON_SALE, WRONG_STATE (by card, while a payment for the plan is PROCESSING), CURRENCY_MISMATCH,
   * INSUFFICIENT_FUNDS, INVALID_INPUT, IDEMPOTENCY_CONFLICT, PAYMENT_PROVIDER_UNAVAILABLE, AMOUNT_OUT_OF_BOUNDS (a price too
   * low or too high for a card; a free plan needs no payment), as the payload's errors
   */
  async purchase(caller: Caller, input: PurchaseInput): Promise<PurchasePayload> {
    return refusalsAsData<PurchasePayload>(async () => {
      const userId = requireUserId(caller);
      const subscriptionId = parseId(input.subscriptionId);
      if (!subscriptionId) throw notFound('subscription', 'input', 'subscriptionId');
      const request = requestOf(caller, 'purchase', input);
      if (input.payWith === 'BALANCE') return { ...(await this.fromBalance.buy(userId, subscriptionId, request)), errors: [] };
      if (input.payWith !== 'CARD') throw invalidInput('Pay with CARD or BALANCE. Only admins can gift a grant.', 'payWith');
      return { order: await this.buyByCard(userId, subscriptionId, input.returnUrl, request), errors: [] };
    });
  }

  /**
   * The open order with its checkout URL.
   *
   * @throws AMOUNT_OUT_OF_BOUNDS, CURRENCY_MISMATCH, INVALID_INPUT, IDEMPOTENCY_CONFLICT, WRONG_STATE (the order was closed each
   * time it was opened), PAYMENT_PROVIDER_UNAVAILABLE, as the payload's errors
   */
  async topUp(caller: Caller, input: TopUpInput): Promise<{ order?: Order; errors: BillingError[] }> {
    return refusalsAsData<{ order?: Order; errors: BillingError[] }>(async () => {
      const userId = requireUserId(caller);
      const { currency, topUpMinimum, topUpMaximum } = this.settings;
      if (input.currency !== currency) throw currencyMismatch(currency, ['input', 'currency']);
      const bounds = boundsOf(topUpMinimum, topUpMaximum, currency);
      if (!isWithin(bounds, input.amount)) {
        const message = `A top-up must be between ${bounds.minimum} and ${bounds.maximum} minor units.`;
        throw outOfBounds(message, bounds, 'input', 'amount');
      }
      const step = stripeStep(currency);
      if (input.amount % step !== 0) throw notInSteps(step, currency, 'amount');
      const request = requestOf(caller, 'topUp', input);
      const what = { userId, kind: 'TOP_UP' as const, amount: input.amount, currency, versionId: null };
      return { order: await this.openOrder.open(request, { ...what, ...this.sessionTerms(input.returnUrl) }), errors: [] };
    });
  }

  /**
   * The caller's order (for admins, any order); null if there is none. An open order is looked up at Stripe and fulfilled here
   * if it was paid, so that a landing page never shows an outdated state. While Stripe is unreachable, the stored order is
   * returned.
   */
  async look(caller: Caller, orderId: string): Promise<Order | null> {
    const order = await this.orderFor(caller, orderId);
    return order && this.sessions.followIfReachable(order);
  }

  /**
   * Closes an open order as CANCELLED after expiring its session at Stripe.
   *
   * @throws NOT_FOUND; WRONG_STATE when its payment is being processed, or it was already paid or closed;
   * PAYMENT_PROVIDER_UNAVAILABLE, after which a job cancels it; as the payload's errors
   */
  async cancelOrder(caller: Caller, orderId: string): Promise<{ order?: Order; errors: BillingError[] }> {
    return refusalsAsData<{ order?: Order; errors: BillingError[] }>(async () => {
      const order = await this.orderFor(caller, orderId);
      if (!order) throw notFound('order', 'orderId');
      const requested = await this.ledger.change(order, async ({ tx, now }) => {
        const [row] = await tx.query<Order>(requestCancellation, [order.id, now]);
        const audited = { action: 'cancelOrder', userId: order.userId, subjectId: order.id };
        const isNew = row?.cancelRequestedAt?.getTime() === now.getTime();
        if (isNew && caller.role === 'ADMIN') await recordAudit(tx, caller, audited, now);
        return row;
      });
      const ended = requested ? await this.sessions.cancel(requested) : await orderById(this.database, order.id);
      if (!requested || ended.status !== 'CANCELLED') throw notCancellable(ended);
      return { order: ended, errors: [] };
    });
  }

  private async orderFor(caller: Caller, orderId: string): Promise<Order | null> {
    const id = parseId(orderId);
    const order = id ? await findOrder(this.database, id) : null;
    return order && canAccess(caller, order.userId) ? order : null;
  }

  private async buyByCard(
    userId: string,
    subscriptionId: string,
    returnUrl: string | null | undefined,
    request: IdempotentRequest,
  ): Promise<Order> {
    // A used key must not depend on an offer that may have changed since.
    const earlier = await this.openOrder.replay(request);
    if (earlier) return earlier;
    const offer = await this.offers.offer(subscriptionId, { fresh: true });
    if (!offer || offer.status === 'DRAFT') throw notFound('subscription', 'input', 'subscriptionId');
    if (offer.status !== 'ACTIVE') throw notOnSale(offer);
    this.checkCardAmount(offer);
    const { price: amount, currency, versionId } = offer;
    const what = { userId, kind: 'PURCHASE' as const, amount, currency, versionId };
    return this.openOrder.open(request, { ...what, ...this.sessionTerms(returnUrl) });
  }

  private checkCardAmount({ price, currency }: Offer): void {
    const step = stripeStep(currency);
    if (price % step !== 0) throw notInSteps(step, currency, 'payWith');
    const bounds = boundsOf(this.settings.paymentMinimum, this.settings.paymentMaximum, currency);
    if (price === 0 || isWithin(bounds, price)) return;
    const message = `A card payment must be between ${bounds.minimum} and ${bounds.maximum} minor units. This costs ${price}.`;
    throw outOfBounds(message, bounds, 'input', 'payWith');
  }

  private sessionTerms(returnUrl: string | null | undefined) {
    const { allowedOrigins, defaultReturnUrl, checkoutLifetimeMs } = this.settings;
    return {
      returnUrl: checkReturnUrl(returnUrl, allowedOrigins, defaultReturnUrl),
      expiresAt: new Date(this.clock.now().getTime() + checkoutLifetimeMs),
    };
  }
}

/** Bounds of a payment in minor units, both inclusive; Stripe's maximum applies too. */
interface Bounds {
  readonly minimum: number;
  readonly maximum: number;
  readonly currency: string;
}

const boundsOf = (minimum: number, maximum: number, currency: string): Bounds => ({
  minimum,
  maximum: Math.min(maximum, maxPayment(currency)),
  currency,
});

const isWithin = ({ minimum, maximum }: Bounds, amount: number): boolean => amount >= minimum && amount <= maximum;

/** WRONG_STATE: only an OPEN order can be cancelled. */
function notCancellable({ status }: Order): Refusal {
  const because = {
    OPEN: 'try again', // never refused: for the types
    PROCESSING: 'its payment is being processed',
    PAID: 'it has been paid',
    EXPIRED: 'it has expired',
    FAILED: 'its payment failed',
    CANCELLED: 'it has already been cancelled',
  }[status];
  return wrongState(`This order can't be cancelled: ${because}.`, status, 'orderId');
}
