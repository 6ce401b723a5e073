import type { Stripe } from 'stripe';
import type { Order } from '../../entities/order.js';
import type { Database, Statement } from '../../stores/database.js';
import { classifyStripeError, isMissingAtStripe, withIdempotencyKey } from '../../stores/stripe.js';
import { toStripeAmount } from '../../stores/stripe-amounts.js';
import { Refusal } from '../billing-error.js';
import { findOrder } from './find-order.js';

/** The prices and customers at Stripe, made when they are not there yet. */
export interface StripePrices {
  ensurePrice(versionId: string, missingPriceId?: string): Promise<string>;
}
export interface StripeCustomerIds {
  customerOf(userId: string, missingCustomerId?: string): Promise<string>;
}

/** What Stripe said that it does not have (any more): deleted in its dashboard, or another account's. */
interface MissingAtStripe {
  readonly customerId?: string;
  readonly priceId?: string;
}

/** The customer may be missing, the price too. */
const LARGEST_ATTEMPTS = 3;

const keepSession: Statement = {
  name: 'checkout-keep-session',
  text: `update orders set stripe_session_id = $2, checkout_url = $3, expires_at = $4
    where id = $1 and (stripe_session_id is null or stripe_session_id = $2) returning status`,
};

/** Checkout sessions at Stripe. Each can be traced back to its order from Stripe's side alone, by metadata and reference. */
export class Checkout {
  constructor(
    private readonly database: Database,
    private readonly stripe: Stripe,
    private readonly prices: StripePrices,
    private readonly customers: StripeCustomerIds,
  ) {}

  /**
   * Opens the order's session, or finds it again: the key at Stripe is the order's id and the parameters come from the
   * order's row alone, so a call that was cut off is simply made again. Should the order have another session by then, that
   * one is given back, and the new one closed. Refuses with PAYMENT_PROVIDER_UNAVAILABLE.
   */
  async open(order: Order): Promise<Order> {
    try {
      const session = await this.create(order);
      const expiresAt = new Date(session.expires_at * 1000);
      const [kept] = await this.database
        .forViewer(order.userId)
        .query<{ status: Order['status'] }>(keepSession, [order.id, session.id, session.url, expiresAt]);
      if (!kept) return await this.giveUpFor(order.id, session.id);
      if (kept.status !== 'OPEN' && kept.status !== 'PAID') await this.stripe.checkout.sessions.expire(session.id);
      return { ...order, status: kept.status, stripeSessionId: session.id, checkoutUrl: session.url, expiresAt };
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** Another session of the order is kept: this one nobody would fulfil, so it must not be paid. */
  private async giveUpFor(orderId: string, stripeSessionId: string): Promise<Order> {
    await this.stripe.checkout.sessions.expire(stripeSessionId);
    const kept = await findOrder(this.database, orderId);
    if (!kept) throw new Error(`order ${orderId} is gone`);
    return kept;
  }

  /**
   * Makes customer and price anew when Stripe does not have them. A session that Stripe made and did not tell of is nobody's:
   * its address is not known, and it expires.
   */
  private async create(order: Order): Promise<Stripe.Checkout.Session> {
    let missing: MissingAtStripe = {};
    for (let attempt = 1; ; attempt++) {
      const parameters = await this.parametersOf(order, missing);
      const name = attempt === 1 ? `checkout-${order.id}` : `checkout-${order.id}-anew-${attempt}`;
      try {
        return await withIdempotencyKey(name, (key) => this.stripe.checkout.sessions.create(parameters, key));
      } catch (error) {
        const found = missingOf(error, parameters);
        if (!found || attempt >= LARGEST_ATTEMPTS) throw error;
        missing = { ...missing, ...found };
      }
    }
  }

  /** The session as Stripe has it now, with its payment. Refuses with PAYMENT_PROVIDER_UNAVAILABLE. */
  async look(stripeSessionId: string): Promise<Stripe.Checkout.Session> {
    try {
      return await this.stripe.checkout.sessions.retrieve(stripeSessionId, { expand: ['payment_intent'] });
    } catch (error) {
      throw unavailable(error);
    }
  }

  /** As `look`; null when Stripe does not know the session. */
  async find(stripeSessionId: string): Promise<Stripe.Checkout.Session | null> {
    try {
      return await this.stripe.checkout.sessions.retrieve(stripeSessionId, { expand: ['payment_intent'] });
    } catch (error) {
      if (isMissingAtStripe(error)) return null;
      throw unavailable(error);
    }
  }

  /** Closes the session at Stripe; when it can no longer be closed, gives it back as it is (perhaps paid). */
  async close(stripeSessionId: string): Promise<Stripe.Checkout.Session> {
    try {
      return await this.stripe.checkout.sessions.expire(stripeSessionId);
    } catch (error) {
      if (classifyStripeError(error) !== 'DEFINITE') throw unavailable(error);
      return this.look(stripeSessionId);
    }
  }

  private async parametersOf(order: Order, missing: MissingAtStripe): Promise<Stripe.Checkout.SessionCreateParams> {
    const returnUrl = order.returnUrl.replaceAll('{ORDER_ID}', order.id);
    const metadata = { order_id: order.id, user_id: order.userId, order_kind: order.kind };
    return {
      mode: 'payment',
      customer: await this.customers.customerOf(order.userId, missing.customerId),
      client_reference_id: order.id,
      metadata,
      payment_intent_data: { metadata },
      line_items: [await this.lineOf(order, missing)],
      success_url: returnUrl,
      cancel_url: returnUrl,
      expires_at: Math.floor(order.expiresAt.getTime() / 1000),
    };
  }

  private async lineOf(order: Order, { priceId }: MissingAtStripe): Promise<Stripe.Checkout.SessionCreateParams.LineItem> {
    if (order.versionId) return { quantity: 1, price: await this.prices.ensurePrice(order.versionId, priceId) };
    const product_data = { name: 'Balance top-up' };
    const unit_amount = toStripeAmount(order.amount, order.currency);
    return { quantity: 1, price_data: { currency: order.currency.toLowerCase(), unit_amount, product_data } };
  }
}

function missingOf(error: unknown, { customer, line_items }: Stripe.Checkout.SessionCreateParams): MissingAtStripe | null {
  if (!isMissingAtStripe(error)) return null;
  const { param } = error;
  if (param === 'customer' && customer) return { customerId: customer };
  const priceId = line_items?.[0]?.price;
  return param?.startsWith('line_items') && priceId ? { priceId } : null;
}

function unavailable(error: unknown): unknown {
  if (error instanceof Refusal) return error;
  const kind = classifyStripeError(error);
  if (kind === null) return error;
  return new Refusal({
    code: 'PAYMENT_PROVIDER_UNAVAILABLE',
    message: 'The payment provider could not be reached or refused. Nothing was charged.',
    path: null,
    retryable: kind === 'RETRYABLE',
  });
}
