import type Stripe from 'stripe';
import type { Clock } from '../../src/runtime/clock.js';
import { Disputes } from '../../src/services/disputes/disputes.js';
import { Grants } from '../../src/services/grants/grants.js';
import { newId } from '../../src/services/ids.js';
import { Adjustments } from '../../src/services/ledger/adjustments.js';
import { Ledger } from '../../src/services/ledger/ledger.js';
import type { Moved } from '../../src/services/ledger/unit.js';
import { BuyFromBalance } from '../../src/services/purchases/buy-from-balance.js';
import { Checkout } from '../../src/services/purchases/checkout.js';
import { CloseExpiredOrders } from '../../src/services/purchases/close-expired-orders.js';
import { Fulfilment } from '../../src/services/purchases/fulfilment.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { OrderSessions } from '../../src/services/purchases/order-sessions.js';
import { Purchases } from '../../src/services/purchases/purchases.js';
import { ReopenOrder } from '../../src/services/purchases/reopen-order.js';
import { Payout } from '../../src/services/refunds/payout.js';
import { Refunds } from '../../src/services/refunds/refunds.js';
import { StripeRefunds } from '../../src/services/refunds/stripe-refunds.js';
import type { Database } from '../../src/stores/database.js';
import { noOpenSessions, type OpenSessions } from '../../src/stores/open-sessions.js';

export interface MoneyDeskParts {
  readonly database: Database;
  readonly stripe: Stripe;
  readonly clock: Clock;
  readonly openSessions?: OpenSessions | undefined;
}

/** All services that move money, on one database and one Stripe, with a catalogue of whatever the test puts on sale. */
export class MoneyDesk {
  readonly offers = new Map<string, Offer>();
  readonly announced: { userId: string; sequence: number }[] = [];
  readonly moved: Moved[] = [];
  readonly ledger: Ledger;
  readonly fulfilment: Fulfilment;
  readonly sessions: OrderSessions;
  readonly stripeRefunds: StripeRefunds;
  readonly purchases: Purchases;
  readonly payout: Payout;
  readonly refunds: Refunds;
  readonly disputes: Disputes;
  readonly grants: Grants;
  readonly adjustments: Adjustments;
  readonly closeExpiredOrders: CloseExpiredOrders;

  constructor(private readonly parts: MoneyDeskParts) {
    const { database, stripe, clock } = parts;
    const hints = { announce: (userId: string, sequence: number) => void this.announced.push({ userId, sequence }) };
    const watch = { moneyMoved: (movement: Moved) => void this.moved.push(movement) };
    const ledger = new Ledger({ database, clock, hints, watch });
    this.ledger = ledger;
    const offers = { offer: async (id: string) => this.offers.get(id) ?? null };
    this.fulfilment = new Fulfilment(database, ledger);
    const checkout = new Checkout(
      database,
      stripe,
      { ensurePrice: (id) => this.priceOf(id) },
      { customerOf: (id) => this.customerOf(id) },
    );
    this.sessions = new OrderSessions(database, clock, ledger, checkout, this.fulfilment);
    const { sessions } = this;
    const fromBalance = new BuyFromBalance(database, ledger, offers, clock);
    const reopen = new ReopenOrder(database, parts.openSessions ?? noOpenSessions);
    this.purchases = new Purchases(database, clock, ledger, offers, fromBalance, sessions, reopen, {
      currency: 'USD',
      topUpMinimum: 100,
      topUpMaximum: 1_000_000,
      paymentMinimum: 50,
      paymentMaximum: 99_999_999,
      checkoutLifetimeMs: 60 * 60 * 1000,
      allowedOrigins: ['https://films.test'],
      defaultReturnUrl: 'https://films.test/back?order={ORDER_ID}',
    });
    this.stripeRefunds = new StripeRefunds(database, ledger);
    this.payout = new Payout(database, stripe, clock, this.stripeRefunds, () => 0.5);
    this.refunds = new Refunds(database, clock, ledger, this.payout, 7 * 24 * 60 * 60 * 1000);
    this.disputes = new Disputes(database, ledger);
    this.grants = new Grants(database, ledger, offers, 3_660);
    this.adjustments = new Adjustments(database, ledger, { currency: 'USD', maxAmount: 10_000_000 });
    this.closeExpiredOrders = new CloseExpiredOrders(database, clock, sessions);
  }

  /** Puts a subscription with one film on sale. Amounts in cents. */
  async putOnSale(pricePerDay: number, durationDays: number): Promise<Offer> {
    const { pool } = this.parts.database;
    const [filmId, subscriptionId, versionId] = [newId(), newId(), newId()];
    const now = this.parts.clock.now();
    const price = pricePerDay * durationDays;
    await pool.query('insert into films (id, title, created_at, updated_at) values ($1, $2, $3, $3)', [filmId, 'A film', now]);
    await pool.query(
      "insert into subscriptions (id, title, description, status, created_at, updated_at) values ($1, 'Plan', '', 'ACTIVE', $2, $2)",
      [subscriptionId, now],
    );
    await pool.query(
      `insert into subscription_versions (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at)
       values ($1, $2, 1, $3, $4, $5, 'USD', 1, $6)`,
      [versionId, subscriptionId, pricePerDay, durationDays, price, now],
    );
    await pool.query('insert into subscription_version_films (version_id, film_id) values ($1, $2)', [versionId, filmId]);
    await pool.query('update subscriptions set current_version_id = $1 where id = $2', [versionId, subscriptionId]);
    const offer = {
      subscriptionId,
      versionId,
      status: 'ACTIVE',
      title: 'Plan',
      price,
      pricePerDay,
      durationDays,
      currency: 'USD',
    } as const;
    this.offers.set(subscriptionId, offer);
    return offer;
  }

  private async priceOf(versionId: string): Promise<string> {
    const offer = [...this.offers.values()].find((candidate) => candidate.versionId === versionId);
    const product = await this.parts.stripe.products.create({ name: 'Plan' }, { idempotencyKey: `product-${versionId}` });
    const parameters = { product: product.id, currency: 'usd', unit_amount: offer?.price ?? 0 };
    return (await this.parts.stripe.prices.create(parameters, { idempotencyKey: `price-${versionId}` })).id;
  }

  private async customerOf(userId: string): Promise<string> {
    return (await this.parts.stripe.customers.create({ metadata: { user_id: userId } }, { idempotencyKey: `customer-${userId}` }))
      .id;
  }
}
