import type { Clock } from '../../clock.js';
import type { Balance } from '../../entities/balance.js';
import type { Grant, PaymentMethod } from '../../entities/grant.js';
import type { Order } from '../../entities/order.js';
import type { Database, Queryable } from '../../stores/database.js';
import { largestPayment, stripeStep } from '../../stores/stripe-amounts.js';
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
} from '../billing-error.js';
import type { Caller } from '../caller.js';
import { answerAgain, hashInput, type Intent, keepAnswer, onceMoreOnSameKey } from '../idempotency.js';
import { inTransaction } from '../in-transaction.js';
import { type Announcer, Wallet } from '../ledger/wallet.js';
import { isUuid } from '../uuid.js';
import { type BuyFromBalance, notOnSale } from './buy-from-balance.js';
import type { Checkout } from './checkout.js';
import { findOrder } from './find-order.js';
import type { Fulfilment } from './fulfilment.js';
import type { Offer, Offers } from './offer.js';
import { canBeOpened, closeUnopened, type OrderIntent, openOrder } from './open-order.js';
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

/** Rules 1 to 3: buying from the balance, buying by card, topping up; and the life of the orders that stand for the latter two. */
export class Purchases {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly announcer: Announcer,
    private readonly offers: Offers,
    private readonly fromBalance: BuyFromBalance,
    private readonly checkout: Checkout,
    private readonly fulfilment: Fulfilment,
    private readonly reopen: ReopenOrder,
    private readonly settings: PurchaseSettings,
  ) {}

  /**
   * From the balance: the grant, at once. By card: the open order with its checkout URL. Errors: NOT_FOUND, NOT_ON_SALE,
   * CURRENCY_MISMATCH, INSUFFICIENT_FUNDS, INVALID_INPUT, IDEMPOTENCY_CONFLICT, PAYMENT_PROVIDER_UNAVAILABLE,
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
   * An order of the caller's (admins: anyone's), null otherwise. One that is open is looked up at Stripe and fulfilled here if
   * it is paid, so that a landing page never shows stale news; when Stripe is away it is given as we know it.
   */
  async look(caller: Caller, orderId: string): Promise<Order | null> {
    const order = isUuid(orderId) ? await findOrder(this.database, orderId) : null;
    if (!order || (caller.role !== 'ADMIN' && order.userId !== caller.userId)) return null;
    if (order.status !== 'OPEN' || !order.stripeSessionId) return order;
    try {
      await this.fulfilment.applyCheckoutSession(await this.checkout.look(order.stripeSessionId));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
    }
    return findOrder(this.database, orderId);
  }

  /** Closes an open order and its session. Errors: NOT_FOUND; WRONG_STATE when it was paid or closed before. */
  async cancelOrder(caller: Caller, orderId: string): Promise<{ order?: Order; errors: BillingError[] }> {
    return refusalsAsData<{ order?: Order; errors: BillingError[] }>(async () => {
      const order = isUuid(orderId) ? await findOrder(this.database, orderId) : null;
      if (!order || (caller.role !== 'ADMIN' && order.userId !== caller.userId)) throw notFound('order', 'orderId');
      if (order.status !== 'OPEN') throw notOpen(order);
      const closed = await this.closeAtStripe(order);
      if (closed.status !== 'EXPIRED') throw notOpen(closed);
      return { order: closed, errors: [] };
    });
  }

  private async buyByCard(userId: string, input: PurchaseInput, intent: Intent): Promise<Order> {
    const earlier = await answerAgain<{ orderId: string }>(this.database, intent);
    if (earlier) return this.withSession(await this.orderById(earlier.orderId));
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
  private async openOnce(intent: Intent, what: OrderIntent): Promise<Order> {
    const open = await this.reopen.find(intent, what, this.clock.now());
    if (open) return open;
    const order = await onceMoreOnSameKey(() =>
      inTransaction(this.database, {}, async (transaction, afterCommit) => {
        const now = this.clock.now();
        await Wallet.lock(transaction, what, now, afterCommit, this.announcer);
        const earlier = await answerAgain<{ orderId: string }>(transaction, intent);
        if (earlier) return this.orderById(earlier.orderId, transaction);
        const opened = await openOrder(transaction, what, now);
        await keepAnswer(transaction, intent, { orderId: opened.id }, now);
        return opened;
      }),
    );
    const opened = await this.withSession(order);
    this.reopen.keep(opened, this.clock.now());
    return opened;
  }

  /** An order without a session was cut off before Stripe answered: it is found, or made, or the order is closed as too old for it. */
  private async withSession(order: Order): Promise<Order> {
    if (order.status !== 'OPEN' || order.stripeSessionId) return order;
    const now = this.clock.now();
    if (canBeOpened(order, now)) return this.checkout.open(order);
    await closeUnopened(this.database.forViewer(order.userId), order.id, now);
    return this.orderById(order.id);
  }

  private async closeAtStripe(order: Order): Promise<Order> {
    const { stripeSessionId } = await this.withSession(order);
    if (stripeSessionId) await this.fulfilment.applyCheckoutSession(await this.checkout.close(stripeSessionId));
    return this.orderById(order.id);
  }

  private async orderById(id: string, database: Queryable = this.database): Promise<Order> {
    const order = await findOrder(database, id);
    if (!order) throw new Error(`order ${id} is gone`);
    return order;
  }
}

const notOpen = (order: Order) => wrongState(`The order is ${order.status}.`, order.status, 'orderId');

function viewerOf(caller: Caller): string {
  if (!caller.userId) throw new Error('money moves only for somebody');
  return caller.userId;
}
