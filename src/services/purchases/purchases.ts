import type { Balance } from '../../entities/balance.js';
import type { Grant, PaymentMethod } from '../../entities/grant.js';
import type { Order } from '../../entities/order.js';
import type { Clock } from '../../runtime/clock.js';
import { orderColumns } from '../../stores/columns.js';
import type { Database, Statement } from '../../stores/database.js';
import { largestPayment, stripeStep } from '../../stores/stripe-amounts.js';
import type { Caller } from '../caller.js';
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
import { isUuid } from '../ids.js';
import {
  findResult,
  forgetResults,
  hashInput,
  type IdempotentRequest,
  onceMoreOnSameKey,
  saveResult,
} from '../ledger/idempotency.js';
import { inTransaction } from '../ledger/in-transaction.js';
import { type ChangeNotifier, Wallet } from '../ledger/wallet.js';
import { type BuyFromBalance, notOnSale } from './buy-from-balance.js';
import { SessionRefused } from './checkout.js';
import type { OpenOrderStep } from './decide-open-order.js';
import { findOrder, orderById } from './find-order.js';
import type { Offer, Offers } from './offer.js';
import { type OrderIntent, openOrder } from './open-order.js';
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
  /** Bounds of a top-up, in minor units. */
  readonly topUpMinimum: number;
  readonly topUpMaximum: number;
  /** Bounds of one payment at Stripe, in minor units. */
  readonly paymentMinimum: number;
  readonly paymentMaximum: number;
  /** Stripe wants 30 minutes at least, 24 hours at most. */
  readonly checkoutLifetimeMs: number;
  readonly allowedOrigins: readonly string[];
  /** Where Stripe sends the viewer back to when the caller does not say. */
  readonly defaultReturnUrl: string;
}

export interface PurchasePayload {
  grant?: Grant;
  order?: Order;
  balance?: Balance;
  errors: BillingError[];
}

const requestCancellation: Statement = {
  name: 'purchases-request-cancellation',
  text: `update orders o set cancel_requested_at = coalesce(cancel_requested_at, $2) where id = $1 and status = 'OPEN'
    returning ${orderColumns}`,
};

/** How often an order that is closed while its checkout is being opened is followed by another. */
const MAX_ROUNDS = 5;

/** Rules 1 to 3: buying from the balance, buying by card, topping up; and the life of the orders that stand for the latter two. */
export class Purchases {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly notifier: ChangeNotifier,
    private readonly offers: Offers,
    private readonly fromBalance: BuyFromBalance,
    private readonly sessions: OrderSessions,
    private readonly reopen: ReopenOrder,
    private readonly settings: PurchaseSettings,
  ) {}

  /**
   * From the balance: the grant, at once. By card: the open order with its checkout URL, or the order PAID when it was paid just
   * then. Errors: NOT_FOUND, NOT_ON_SALE, WRONG_STATE (by card, while a payment for the plan is PROCESSING), CURRENCY_MISMATCH, INSUFFICIENT_FUNDS, INVALID_INPUT, IDEMPOTENCY_CONFLICT, PAYMENT_PROVIDER_UNAVAILABLE,
   * AMOUNT_OUT_OF_BOUNDS (a price that is too little for a card; what is free needs no payment).
   */
  async purchase(caller: Caller, input: PurchaseInput): Promise<PurchasePayload> {
    return refusalsAsData<PurchasePayload>(async () => {
      const userId = viewerOf(caller);
      if (!isUuid(input.subscriptionId)) throw notFound('subscription', 'input', 'subscriptionId');
      const intent = { callerId: userId, key: input.idempotencyKey, operation: 'purchase', inputHash: hashInput(input) };
      if (input.payWith === 'BALANCE') {
        return { ...(await this.fromBalance.buy(userId, input.subscriptionId, intent)), errors: [] };
      }
      if (input.payWith !== 'CARD') throw invalidInput('Pay with CARD or BALANCE; gifts are given by admins.', 'payWith');
      return { order: await this.buyByCard(userId, input, intent), errors: [] };
    });
  }

  /** The open order with its checkout URL. Errors: AMOUNT_OUT_OF_BOUNDS, CURRENCY_MISMATCH, INVALID_INPUT, … as above. */
  async topUp(caller: Caller, input: TopUpInput): Promise<{ order?: Order; errors: BillingError[] }> {
    return refusalsAsData<{ order?: Order; errors: BillingError[] }>(async () => {
      const userId = viewerOf(caller);
      const { currency, topUpMinimum } = this.settings;
      const topUpMaximum = Math.min(this.settings.topUpMaximum, largestPayment(currency));
      if (input.currency !== currency) throw currencyMismatch(currency, ['input', 'currency']);
      if (input.amount < topUpMinimum || input.amount > topUpMaximum) {
        const message = `A top-up is between ${topUpMinimum} and ${topUpMaximum} minor units.`;
        throw outOfBounds(message, { minimum: topUpMinimum, maximum: topUpMaximum, currency }, 'input', 'amount');
      }
      const step = stripeStep(currency);
      if (input.amount % step !== 0) throw notInSteps(step, currency, 'amount');
      const intent = { callerId: userId, key: input.idempotencyKey, operation: 'topUp', inputHash: hashInput(input) };
      const what = { kind: 'TOP_UP' as const, amount: input.amount, currency, versionId: null };
      return { order: await this.openOnce(intent, { userId, ...what, ...this.sessionTerms(input.returnUrl) }), errors: [] };
    });
  }

  /**
   * An order of the caller's (admins: anyone's), null otherwise. One that is under way is looked up at Stripe and fulfilled here
   * if it is paid, so that a landing page never shows stale news; while Stripe is away it is returned as we know it.
   */
  async look(caller: Caller, orderId: string): Promise<Order | null> {
    const order = isUuid(orderId) ? await findOrder(this.database, orderId) : null;
    if (!order || (caller.role !== 'ADMIN' && order.userId !== caller.userId)) return null;
    return this.sessions.followIfReachable(order);
  }

  /**
   * Closes an open order after expiring its session at Stripe: CANCELLED. Errors: NOT_FOUND; WRONG_STATE when it is being paid, or
   * was paid or closed before; PAYMENT_PROVIDER_UNAVAILABLE, after which a job cancels it.
   */
  async cancelOrder(caller: Caller, orderId: string): Promise<{ order?: Order; errors: BillingError[] }> {
    return refusalsAsData<{ order?: Order; errors: BillingError[] }>(async () => {
      const order = isUuid(orderId) ? await findOrder(this.database, orderId) : null;
      if (!order || (caller.role !== 'ADMIN' && order.userId !== caller.userId)) throw notFound('order', 'orderId');
      const [requested] = await this.database
        .forViewer(order.userId)
        .query<Order>(requestCancellation, [order.id, this.clock.now()]);
      const ended = requested ? await this.sessions.cancel(requested) : await orderById(this.database, order.id);
      if (!requested || ended.status !== 'CANCELLED') throw notCancellable(ended);
      return { order: ended, errors: [] };
    });
  }

  private async buyByCard(userId: string, input: PurchaseInput, intent: IdempotentRequest): Promise<Order> {
    const earlier = await findResult<{ orderId: string }>(this.database, intent);
    if (earlier) return this.present(await orderById(this.database, earlier.orderId));
    const offer = await this.offers.offer(input.subscriptionId, { fresh: true });
    if (!offer || offer.status === 'DRAFT') throw notFound('subscription', 'input', 'subscriptionId');
    if (offer.status !== 'ACTIVE') throw notOnSale(offer);
    this.refuseWhatNoCardPays(offer);
    return this.openOnce(intent, this.purchaseOf(userId, offer, input.returnUrl));
  }

  private refuseWhatNoCardPays({ price, currency }: Offer): void {
    const { paymentMinimum } = this.settings;
    const paymentMaximum = Math.min(this.settings.paymentMaximum, largestPayment(currency));
    const step = stripeStep(currency);
    if (price % step !== 0) throw notInSteps(step, currency, 'payWith');
    if (price === 0 || (price >= paymentMinimum && price <= paymentMaximum)) return;
    const message = `A payment by card is between ${paymentMinimum} and ${paymentMaximum} minor units; this costs ${price}.`;
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

  /** The order and the key's record in one transaction; then Stripe, with a key made of the order's id. */
  private async openOnce(intent: IdempotentRequest, what: OrderIntent): Promise<Order> {
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      const { order: taken, step, isReplay } = await this.take(intent, what);
      if (step === 'SETTLE') {
        const settled = await this.settle(taken);
        if (settled.status !== 'PAID') continue;
        // It was paid while it was asked for again: that is the answer, and nobody pays twice by mistake.
        return this.answerWith(intent, settled);
      }
      const order = isReplay ? await this.present(taken) : await this.sessions.ensure(taken, intent.key);
      if (isReplay || order.status === 'OPEN' || order.status === 'PAID') {
        this.reopen.keep(order, this.clock.now());
        return order;
      }
      await forgetResults(this.database, intent.callerId, intent.key, null);
    }
    throw wrongState('The order was closed each time it was opened. Try again.', 'CANCELLED');
  }

  /** Takes the viewer's open order or creates one, and writes the key's record. SETTLE: neither was done. */
  private async take(
    intent: IdempotentRequest,
    what: OrderIntent,
  ): Promise<{ order: Order; step: OpenOrderStep; isReplay: boolean }> {
    const open = await this.reopen.find(intent, what, this.clock.now());
    if (open) return { order: open, step: 'USE', isReplay: false };
    return onceMoreOnSameKey(() =>
      inTransaction(this.database, {}, async (tx, afterCommit) => {
        const now = this.clock.now();
        await Wallet.lock(tx, what, now, afterCommit, this.notifier);
        const earlier = await findResult<{ orderId: string }>(tx, intent);
        if (earlier) return { order: await orderById(tx, earlier.orderId), step: 'USE', isReplay: true };
        const { order, step } = await openOrder(tx, what, now);
        if (step !== 'SETTLE') await saveResult(tx, intent, { orderId: order.id }, now);
        return { order, step, isReplay: false };
      }),
    );
  }

  /** What stands in the way of a viewer's next checkout: ended, paid, or given the session it lacks. */
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

  private async answerWith(intent: IdempotentRequest, order: Order): Promise<Order> {
    const earlier = await onceMoreOnSameKey(async () => {
      const kept = await findResult<{ orderId: string }>(this.database, intent);
      if (!kept) await saveResult(this.database, intent, { orderId: order.id }, this.clock.now());
      return kept;
    });
    return earlier ? this.present(await orderById(this.database, earlier.orderId)) : order;
  }

  /** The order of a key that was used before, as it is now. */
  private present(order: Order): Promise<Order> {
    return order.cancelRequestedAt ? Promise.resolve(order) : this.sessions.ensure(order);
  }
}

/** WRONG_STATE: an order that is not OPEN is not cancelled. */
function notCancellable({ status }: Order): Refusal {
  const because = {
    OPEN: 'try again', // never refused: for the types
    PROCESSING: 'its payment is being processed',
    PAID: 'it is paid',
    EXPIRED: 'it has expired',
    FAILED: 'its payment failed',
    CANCELLED: 'it is cancelled already',
  }[status];
  return wrongState(`This order can't be cancelled: ${because}.`, status, 'orderId');
}

function viewerOf(caller: Caller): string {
  if (!caller.userId) throw new Error('money moves only for somebody');
  return caller.userId;
}
