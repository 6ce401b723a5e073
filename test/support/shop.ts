import { type Sandbox, startSandbox } from '@boxoffice/stripe-sandbox';
import type Stripe from 'stripe';
import type { Balance } from '../../src/entities/balance.js';
import type { Grant } from '../../src/entities/grant.js';
import type { Order } from '../../src/entities/order.js';
import type { Refund } from '../../src/entities/refund.js';
import type { Caller } from '../../src/services/caller.js';
import { newId } from '../../src/services/ids.js';
import { verifyLedger } from '../../src/services/ledger/verify-ledger.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import type { OpenSessions } from '../../src/stores/open-sessions.js';
import { openStripe } from '../../src/stores/stripe.js';
import { MoneyDesk } from './money-desk.js';
import { MovableClock } from './movable-clock.js';
import { type TestDatabase, testDatabase } from './test-database.js';

export const ADMIN: Caller = { userId: newId(), role: 'ADMIN' };
let keys = 0;

/** A new idempotency key. */
export const aKey = () => `key-${process.pid}-${++keys}`;

/** A shop that is open: a database, a sandbox as its Stripe, a clock that stands still, and the services that move money. */
export class Shop {
  private constructor(
    readonly clock: MovableClock,
    readonly db: TestDatabase,
    readonly sandbox: Sandbox,
    readonly stripe: Stripe,
    readonly desk: MoneyDesk,
  ) {}

  static async open(openSessions?: OpenSessions): Promise<Shop> {
    const clock = new MovableClock();
    const db = await testDatabase();
    const sandbox = await startSandbox({ port: 0, clock, webhookUrl: null, webhookSecret: 'whsec_test', stateFile: null });
    const stripe = openStripe({ secretKey: sandbox.secretKey, apiUrl: sandbox.url, timeoutMs: 1_000, attemptsCount: 1 });
    return new Shop(clock, db, sandbox, stripe, new MoneyDesk({ database: db.database, stripe, clock, openSessions }));
  }

  async close(): Promise<void> {
    await this.sandbox.stop();
    await this.db.drop();
  }

  /** A viewer with money in the balance, put there by an admin. */
  async viewer(cents = 0): Promise<Caller & { userId: string }> {
    const viewer = { userId: newId(), role: 'VIEWER' as const };
    if (cents > 0) {
      await this.desk.adjustments.adjust(ADMIN, {
        userId: viewer.userId,
        amount: cents,
        currency: 'USD',
        reason: 'test',
        idempotencyKey: aKey(),
      });
    }
    return viewer;
  }

  buy(viewer: Caller, offer: Offer, idempotencyKey = aKey()) {
    return this.desk.purchases.purchase(viewer, { subscriptionId: offer.subscriptionId, payWith: 'BALANCE', idempotencyKey });
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

  async grantOf(order: Order): Promise<Grant> {
    const [grant] = await this.db.rows<{ id: string; status: Grant['status'] }>(
      'select id, status from grants where order_id = $1',
      [order.id],
    );
    return grant as Grant;
  }

  async grantStatus(id: string): Promise<string | undefined> {
    return (await this.db.rows<{ status: string }>('select status from grants where id = $1', [id]))[0]?.status;
  }

  async refund(id: string): Promise<Pick<Refund, 'status' | 'stripeRefundId' | 'failureReason'>> {
    const [refund] = await this.db.rows<Refund>(
      'select status, stripe_refund_id as "stripeRefundId", failure_reason as "failureReason" from refunds where id = $1',
      [id],
    );
    return refund as Refund;
  }

  /** posted, held and version; zero before the first movement. */
  async balance(viewer: Caller): Promise<Pick<Balance, 'posted' | 'held' | 'version'>> {
    const [balance] = await this.db.rows<Balance>('select posted, held, version from balances where user_id = $1', [
      viewer.userId,
    ]);
    return balance ?? { posted: 0, held: 0, version: 0 };
  }

  /** What does not add up, from the first transaction and from the snapshots. */
  async discrepancies() {
    return (await verifyLedger(this.db.database, { fromSnapshots: false })).discrepancies;
  }

  /** What Stripe has refunded of a payment, in cents, failed ones left out. */
  async refundedAtStripe(order: Order): Promise<number> {
    const refunds = await this.stripe.refunds.list({ payment_intent: order.stripePaymentIntentId as string, limit: 100 });
    return refunds.data
      .filter(({ status }) => status !== 'failed' && status !== 'canceled')
      .reduce((sum, { amount }) => sum + amount, 0);
  }

  /** The refund as Stripe has it, told to the ledger as a webhook would. */
  async tellRefund(stripeRefundId: string): Promise<void> {
    await this.desk.stripeRefunds.applyStripeRefund(await this.stripe.refunds.retrieve(stripeRefundId), null);
  }
}
