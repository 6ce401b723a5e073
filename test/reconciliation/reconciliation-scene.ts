import { type Sandbox, startSandbox } from '@boxoffice/stripe-sandbox';
import type Stripe from 'stripe';
import type { Clock } from '../../src/runtime/clock.js';
import { newId } from '../../src/services/ids.js';
import type { Services } from '../../src/services/services.js';
import type { Database } from '../../src/stores/database.js';
import { openStripe } from '../../src/stores/stripe.js';
import { emptying } from '../support/test-database.js';
import { testServices, WEBHOOK_SECRET } from '../support/test-services.js';

export interface OpenOrder {
  readonly orderId: string;
  readonly userId: string;
  readonly sessionId: string;
}

/** Orders here, a sandbox with their payments there, and the real services between them. */
export class ReconciliationScene {
  private constructor(
    readonly database: Database,
    readonly sandbox: Sandbox,
    readonly stripe: Stripe,
    readonly services: Services,
    private readonly clock: Clock,
  ) {}

  static async open(database: Database, clock: Clock): Promise<ReconciliationScene> {
    const sandbox = await startSandbox({ port: 0, webhookUrl: null, webhookSecret: WEBHOOK_SECRET, stateFile: null, clock });
    const stripe = openStripe({ secretKey: sandbox.secretKey, apiUrl: sandbox.url, timeoutMs: 5_000, attemptsCount: 4 });
    const services = testServices({ database, stripe, clock, environment: { RECONCILE_OVERLAP_MS: '0' } });
    return new ReconciliationScene(database, sandbox, stripe, services, clock);
  }

  async close(): Promise<void> {
    await this.services.close();
    await this.sandbox.stop();
  }

  async reset(): Promise<void> {
    this.sandbox.control.reset();
    const tables = ['stripe_events', 'reconciliations', 'subscriptions', 'films', 'orders', 'balances', 'journal'];
    await this.database.pool.query(emptying(tables));
  }

  /** A top-up that waits at Stripe Checkout. */
  openTopUp(amount: number): Promise<OpenOrder> {
    return this.openOrder('TOP_UP', amount, null);
  }

  /** A subscription on sale, and its purchase that waits at Stripe Checkout. */
  async openPurchase(pricePerDay: number, durationDays: number): Promise<OpenOrder & { versionId: string }> {
    const versionId = await this.newSubscription(pricePerDay, durationDays);
    return { ...(await this.openOrder('PURCHASE', pricePerDay * durationDays, versionId)), versionId };
  }

  pay(order: OpenOrder): void {
    this.sandbox.control.pay(order.sessionId, { card: '4242424242424242' } as never);
  }

  async paymentOf(order: OpenOrder): Promise<string> {
    const session = await this.stripe.checkout.sessions.retrieve(order.sessionId);
    return String(session.payment_intent);
  }

  /** The events that Stripe has made so far are taken for processed, though they had no effect: as after a loss of data. */
  async loseEffectsOfEvents(): Promise<void> {
    for await (const event of this.stripe.events.list({ limit: 100 })) {
      const stored = await this.services.stripeInbox.store(event);
      if (stored) await this.database.pool.query(`update stripe_events set status = 'PROCESSED' where id = $1`, [stored.id]);
    }
  }

  async newSubscription(pricePerDay: number, durationDays: number, stripePriceId: string | null = null): Promise<string> {
    const [filmId, subscriptionId, versionId] = [newId(), newId(), newId()];
    const now = this.clock.now();
    const { pool } = this.database;
    await pool.query('insert into films (id, title, created_at, updated_at) values ($1, $2, $3, $3)', [filmId, 'Nosferatu', now]);
    await pool.query(
      `insert into subscriptions (id, title, description, status, created_at, updated_at, stripe_sync_status, stripe_product_id)
       values ($1, 'Silent', '', 'ACTIVE', $2, $2, 'SYNCED', $3)`,
      [subscriptionId, now, `prod_${subscriptionId}`],
    );
    await pool.query(
      `with version as (
         insert into subscription_versions
           (id, subscription_id, version, price_per_day, duration_days, price, currency, film_count, created_at, stripe_price_id)
         values ($1, $2, 1, $3, $4, $3::bigint * $4::int, 'USD', 1, $5, $6) returning id
       ) insert into subscription_version_films (version_id, film_id) select id, $7 from version`,
      [versionId, subscriptionId, pricePerDay, durationDays, now, stripePriceId, filmId],
    );
    await pool.query('update subscriptions set current_version_id = $2 where id = $1', [subscriptionId, versionId]);
    return versionId;
  }

  async balanceOf(userId: string): Promise<number | null> {
    const { rows } = await this.database.pool.query('select posted::int as posted from balances where user_id = $1', [userId]);
    return rows[0]?.posted ?? null;
  }

  async grantOf(order: OpenOrder): Promise<string | null> {
    const { rows } = await this.database.pool.query('select status from grants where order_id = $1', [order.orderId]);
    return rows[0]?.status ?? null;
  }

  async orderStatus(order: OpenOrder): Promise<string> {
    return (await this.database.pool.query('select status from orders where id = $1', [order.orderId])).rows[0].status;
  }

  /** An order that waits at Stripe Checkout. */
  async openOrder(kind: 'TOP_UP' | 'PURCHASE', amount: number, versionId: string | null): Promise<OpenOrder> {
    const [orderId, userId] = [newId(), newId()];
    const parameters: Stripe.Checkout.SessionCreateParams = {
      mode: 'payment',
      client_reference_id: orderId,
      metadata: { order_id: orderId, user_id: userId },
      success_url: 'http://127.0.0.1:9/',
      line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: amount, product_data: { name: 'x' } } }],
    };
    const session = await this.stripe.checkout.sessions.create(parameters, { idempotencyKey: `checkout-${orderId}` });
    const now = this.clock.now();
    await this.database.pool.query(
      `insert into orders (id, user_id, kind, status, amount, currency, version_id, created_at, expires_at, return_url, stripe_session_id)
       values ($1, $2, $3, 'OPEN', $4, 'USD', $5, $6, $6::timestamptz + interval '1 hour', 'http://127.0.0.1:9/', $7)`,
      [orderId, userId, kind, amount, versionId, now, session.id],
    );
    return { orderId, userId, sessionId: session.id };
  }
}
