import { type Sandbox, startSandbox } from '@boxoffice/stripe-sandbox';
import type Stripe from 'stripe';
import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { noOpenSessions, type OpenSessions } from '../../src/stores/open-sessions.js';
import { openStripe } from '../../src/stores/stripe.js';
import { type MoneyDesk, openMoneyDesk } from './money-desk.js';
import { MovableClock } from './movable-clock.js';
import { aKey, Shop } from './shop.js';
import { type TestDatabase, testDatabase } from './test-database.js';
import { WEBHOOK_SECRET } from './test-services.js';

/** A shop that takes cards: a sandbox is its Stripe. */
export class CardShop extends Shop {
  private constructor(
    clock: MovableClock,
    db: TestDatabase,
    desk: MoneyDesk,
    readonly sandbox: Sandbox,
    readonly stripe: Stripe,
  ) {
    super(clock, db, desk);
  }

  static override async open(openSessions: OpenSessions = noOpenSessions): Promise<CardShop> {
    const clock = new MovableClock();
    const db = await testDatabase();
    const sandbox = await startSandbox({ port: 0, clock, webhookUrl: null, webhookSecret: WEBHOOK_SECRET, stateFile: null });
    const stripe = openStripe({ secretKey: sandbox.secretKey, apiUrl: sandbox.url, timeoutMs: 1_000, attemptsCount: 1 });
    const desk = openMoneyDesk({ database: db.database, stripe, clock, openSessions });
    return new CardShop(clock, db, desk, sandbox, stripe);
  }

  override async close(): Promise<void> {
    await super.close();
    await this.sandbox.stop();
  }

  /** Opens an order by card, pays it at the sandbox's checkout and lets the landing page fulfil it. */
  async buyByCard(viewer: Caller, offer: Offer): Promise<Order> {
    const { order } = await this.desk.purchases.purchase(viewer, {
      subscriptionId: offer.subscriptionId,
      payWith: 'CARD',
      idempotencyKey: aKey(),
    });
    return this.payAtCheckout(viewer, order as Order);
  }

  async topUp(viewer: Caller, amount: number): Promise<Order> {
    const { order } = await this.desk.purchases.topUp(viewer, { amount, currency: 'USD', idempotencyKey: aKey() });
    return this.payAtCheckout(viewer, order as Order);
  }

  async payAtCheckout(viewer: Caller, order: Order): Promise<Order> {
    this.sandbox.control.pay(order.stripeSessionId as string, { card: '4242424242424242' });
    return (await this.desk.purchases.look(viewer, order.id)) as Order;
  }

  /** What Stripe has refunded of a payment, in cents, failed ones left out. */
  async refundedAtStripe(order: Order): Promise<number> {
    const refunds = await this.stripe.refunds.list({ payment_intent: order.stripePaymentIntentId as string, limit: 100 });
    return refunds.data
      .filter(({ status }) => status !== 'failed' && status !== 'canceled')
      .reduce((sum, { amount }) => sum + amount, 0);
  }

  /** Applies the refund as Stripe has it to the ledger, as a webhook would. */
  async applyRefund(stripeRefundId: string): Promise<void> {
    await this.desk.stripeRefunds.applyStripeRefund(await this.stripe.refunds.retrieve(stripeRefundId), null);
  }
}
