import type { Balance } from '../../entities/balance.js';
import type { Grant, PaymentMethod } from '../../entities/grant.js';
import type { Order } from '../../entities/order.js';
import type { Clock } from '../../runtime/clock.js';
import { orderColumns } from '../../stores/columns.js';
import type { Database, Statement } from '../../stores/database.js';
import { maxPayment, stripeStep } from '../../stores/stripe-amounts.js';
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
import { findResult, forgetResults, type IdempotentRequest, requestOf } from '../ledger/idempotency.js';
import type { Ledger } from '../ledger/ledger.js';
import { type BuyFromBalance, notOnSale } from './buy-from-balance.js';
import { SessionRefused } from './checkout.js';
import { findOrder, orderById } from './find-order.js';
import type { Offer, Offers } from './offer.js';
import { type OpenedOrder, type OrderIntent, openOrder } from './open-order.js';
import type { OrderSessions } from './order-sessions.js';
import type { ReopenOrder } from './reopen-order.js';
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

/** The stored result of an order's key. */
interface OrderResult {
  orderId: string;
}

const requestCancellation: Statement = {
  name: 'purchases-request-cancellation',
  text: `update orders o set cancel_requested_at = coalesce(cancel_requested_at, $2) where id = $1 and status = 'OPEN'
    returning ${orderColumns}`,
};

/** How often an order that is closed while its checkout is being opened is replaced by another. */
const MAX_ROUNDS = 5;

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
    private readonly reopen: ReopenOrder,
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
   * @throws AMOUNT_OUT_OF_BOUNDS, CURRENCY_MISMATCH, INVALID_INPUT, IDEMPOTENCY_CONFLICT, PAYMENT_PROVIDER_UNAVAILABLE, as the
   * payload's errors
   */
  async topUp(caller: Caller, input: TopUpInput): Promise<{ order?: Order; errors: BillingError[] }> {
    return refusalsAsData<{ order?: Order; errors: BillingError[] }>(async () => {
      const userId = requireUserId(caller);
      const { currency, topUpMinimum } = this.settings;
      const topUpMaximum = Math.min(this.settings.topUpMaximum, maxPayment(currency));
      if (input.currency !== currency) throw currencyMismatch(currency, ['input', 'currency']);
      if (input.amount < topUpMinimum || input.amount > topUpMaximum) {
        const message = `A top-up must be between ${topUpMinimum} and ${topUpMaximum} minor units.`;
        throw outOfBounds(message, { minimum: topUpMinimum, maximum: topUpMaximum, currency }, 'input', 'amount');
      }
      const step = stripeStep(currency);
      if (input.amount % step !== 0) throw notInSteps(step, currency, 'amount');
      const request = requestOf(caller, 'topUp', input);
      const what = { kind: 'TOP_UP' as const, amount: input.amount, currency, versionId: null };
      return { order: await this.openOnce(request, { userId, ...what, ...this.sessionTerms(input.returnUrl) }), errors: [] };
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
      const [requested] = await this.database
        .forViewer(order.userId)
        .query<Order>(requestCancellation, [order.id, this.clock.now()]);
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
    const earlier = await findResult<OrderResult>(this.database, request);
    if (earlier) return this.present(await orderById(this.database, earlier.orderId));
    const offer = await this.offers.offer(subscriptionId, { fresh: true });
    if (!offer || offer.status === 'DRAFT') throw notFound('subscription', 'input', 'subscriptionId');
    if (offer.status !== 'ACTIVE') throw notOnSale(offer);
    this.checkCardAmount(offer);
    return this.openOnce(request, this.purchaseOf(userId, offer, returnUrl));
  }

  private checkCardAmount({ price, currency }: Offer): void {
    const { paymentMinimum } = this.settings;
    const paymentMaximum = Math.min(this.settings.paymentMaximum, maxPayment(currency));
    const step = stripeStep(currency);
    if (price % step !== 0) throw notInSteps(step, currency, 'payWith');
    if (price === 0 || (price >= paymentMinimum && price <= paymentMaximum)) return;
    const message = `A card payment must be between ${paymentMinimum} and ${paymentMaximum} minor units. This costs ${price}.`;
    throw outOfBounds(message, { minimum: paymentMinimum, maximum: paymentMaximum, currency }, 'input', 'payWith');
  }

  private purchaseOf(userId: string, offer: Offer, returnUrl: string | null | undefined): OrderIntent {
    const what = { kind: 'PURCHASE' as const, amount: offer.price, currency: offer.currency, versionId: offer.versionId };
    return { userId, ...what, ...this.sessionTerms(returnUrl) };
  }

  private sessionTerms(returnUrl: string | null | undefined) {
    const { allowedOrigins, defaultReturnUrl, checkoutLifetimeMs } = this.settings;
    return {
      returnUrl: checkReturnUrl(returnUrl, allowedOrigins, defaultReturnUrl),
      expiresAt: new Date(this.clock.now().getTime() + checkoutLifetimeMs),
    };
  }

  /** Writes the order and the key's record in one transaction; then calls Stripe, with a key derived from the order's id. */
  private async openOnce(request: IdempotentRequest, what: OrderIntent): Promise<Order> {
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      const { order: taken, step, isReplay } = await this.take(request, what);
      if (step === 'SETTLE') {
        const settled = await this.settle(taken);
        if (settled.status !== 'PAID') continue;
        // It was paid while it was requested again: return that order, so that nobody pays twice by mistake.
        return this.answerWith(request, what, settled);
      }
      const order = isReplay ? await this.present(taken) : await this.sessions.ensure(taken, request.key);
      if (isReplay || order.status === 'OPEN' || order.status === 'PAID') {
        this.reopen.keep(order, this.clock.now());
        return order;
      }
      await forgetResults(this.database, request.callerId, order.id, request);
    }
    throw wrongState('The order was closed each time it was opened. Try again.', 'CANCELLED');
  }

  /** Takes the viewer's open order or creates one, and writes the key's record. SETTLE: neither was done. */
  private async take(request: IdempotentRequest, what: OrderIntent): Promise<OpenedOrder & { isReplay: boolean }> {
    const open = await this.reopen.find(request, what, this.clock.now());
    if (open) return { order: open, step: 'USE', isReplay: false };
    const taken = await this.ledger.replayOr<OrderResult, OpenedOrder>(request, what, async (unit, save) => {
      const opened = await openOrder(unit.tx, what, unit.now);
      if (opened.step !== 'SETTLE') await save({ orderId: opened.order.id });
      return opened;
    });
    if ('done' in taken) return { ...taken.done, isReplay: false };
    return { order: await orderById(this.database, taken.replay.orderId), step: 'USE', isReplay: true };
  }

  /** Settles the order that blocks a viewer's next checkout: closed, paid, or given the session it lacks. */
  private async settle(order: Order): Promise<Order> {
    const now = this.clock.now();
    if (order.cancelRequestedAt) return this.sessions.cancel(order);
    if (order.expiresAt <= now) return this.sessions.end(order, 'EXPIRED');
    try {
      return await this.sessions.ensure(order);
    } catch (error) {
      if (error instanceof SessionRefused) return orderById(this.database, order.id);
      throw error;
    }
  }

  private async answerWith(request: IdempotentRequest, what: OrderIntent, order: Order): Promise<Order> {
    const { orderId } = await this.ledger.once(request, what, async (): Promise<OrderResult> => ({ orderId: order.id }));
    return orderId === order.id ? order : this.present(await orderById(this.database, orderId));
  }

  /** The current order of a key that was used before. */
  private present(order: Order): Promise<Order> {
    return order.cancelRequestedAt ? Promise.resolve(order) : this.sessions.ensure(order);
  }
}

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
