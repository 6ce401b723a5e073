import type { Stripe } from 'stripe';
import type { Order } from '../../entities/order.js';
import { describeFailure } from '../../runtime/describe-failure.js';
import { orderColumns } from '../../stores/columns.js';
import { type Database, statement } from '../../stores/database.js';
import { classifyStripeError, isMissingAtStripe, isPermanentRefusal, withIdempotencyKey } from '../../stores/stripe.js';
import { toStripeAmount } from '../../stores/stripe-amounts.js';
import { Refusal } from '../errors.js';
import { orderById } from './fulfilment.js';

/** The prices and customers at Stripe, created if they do not exist there. */
export interface StripePrices {
  ensurePrice(versionId: string, missingPriceId?: string): Promise<string>;
}
export interface StripeCustomerIds {
  customerOf(userId: string, missingCustomerId?: string): Promise<string>;
}

/** What Stripe reported as missing: deleted in its dashboard, or belonging to another account. */
interface MissingAtStripe {
  readonly customerId?: string;
  readonly priceId?: string;
}

/** Either the customer or the price may be missing, or both. */
const MAX_ATTEMPTS = 3;

const keepSession = statement('checkout-keep-session')`update orders o
    set stripe_session_id = $3, checkout_url = $4, expires_at = $5, superseded_session_id = null
    where id = $1 and session_number = $2 and (stripe_session_id is null or stripe_session_id = $3)
    returning ${orderColumns}`;

/** Stripe permanently refuses this session (PAYMENT_PROVIDER_UNAVAILABLE, not retryable): the order cannot be paid. */
export class SessionRefused extends Refusal {
  constructor(readonly cause: unknown) {
    super({
      code: 'PAYMENT_PROVIDER_UNAVAILABLE',
      message: 'The payment provider refused to open a checkout for this order. Nothing was charged.',
      path: null,
      retryable: false,
    });
  }

  /** For operators, without secrets. */
  get reason(): string {
    return `Stripe refused the checkout session: ${describeFailure(this.cause)}`;
  }
}

/**
 * Checkout sessions at Stripe. Each can be traced back to its order from Stripe alone, by its metadata and client reference.
 */
export class Checkout {
  constructor(
    private readonly database: Pick<Database, 'query' | 'forViewer'>,
    private readonly stripe: Stripe,
    private readonly prices: StripePrices,
    private readonly customers: StripeCustomerIds,
  ) {}

  /**
   * Opens the order's session, or finds it again: the idempotency key at Stripe is derived from the order's id and the
   * session's number, and the parameters come from the order's row alone, so an interrupted call is simply repeated. Returns
   * the order as it is afterwards. If the order was closed or has another session by then, the new session is expired.
   *
   * @throws PAYMENT_PROVIDER_UNAVAILABLE, as `SessionRefused` when asking again cannot help
   */
  async open(order: Order): Promise<Order> {
    const session = await this.create(order).catch((error) => {
      throw isPermanentRefusal(error) ? new SessionRefused(error) : unavailable(error);
    });
    const expiresAt = new Date(session.expires_at * 1000);
    const values = [order.id, order.sessionNumber, session.id, session.url, expiresAt];
    const [kept] = await this.database.forViewer(order.userId).query<Order>(keepSession, values);
    if (kept?.status === 'OPEN' || kept?.status === 'PROCESSING' || kept?.status === 'PAID') return kept;
    // Nothing would fulfil this session, so it must not be paid.
    await this.close(session.id);
    return kept ?? orderById(this.database, order.id);
  }

  /**
   * Creates the customer and the price again when Stripe does not have them. If Stripe created a session whose response never
   * reached us, nobody has its URL, and it expires.
   */
  private async create(order: Order): Promise<Stripe.Checkout.Session> {
    let missing: MissingAtStripe = {};
    for (let attempt = 1; ; attempt++) {
      const parameters = await this.parametersOf(order, missing);
      const number = order.sessionNumber === 1 ? '' : `-session-${order.sessionNumber}`;
      const name = `checkout-${order.id}${number}${attempt === 1 ? '' : `-anew-${attempt}`}`;
      try {
        return await withIdempotencyKey(name, (key) => this.stripe.checkout.sessions.create(parameters, key));
      } catch (error) {
        const found = missingOf(error, parameters);
        if (!found || attempt >= MAX_ATTEMPTS) throw error;
        missing = { ...missing, ...found };
      }
    }
  }

  /**
   * The session as Stripe has it now, with its payment; null when Stripe does not have it.
   *
   * @throws PAYMENT_PROVIDER_UNAVAILABLE
   */
  async find(stripeSessionId: string): Promise<Stripe.Checkout.Session | null> {
    try {
      return await this.stripe.checkout.sessions.retrieve(stripeSessionId, { expand: ['payment_intent'] });
    } catch (error) {
      if (isMissingAtStripe(error)) return null;
      throw unavailable(error);
    }
  }

  /**
   * Expires the session at Stripe and returns its final state: expired, or complete if it was paid first; null when Stripe does
   * not have it.
   *
   * @throws PAYMENT_PROVIDER_UNAVAILABLE
   */
  async close(stripeSessionId: string): Promise<Stripe.Checkout.Session | null> {
    try {
      return await this.stripe.checkout.sessions.expire(stripeSessionId);
    } catch (error) {
      if (classifyStripeError(error) !== 'DEFINITE') throw unavailable(error);
    }
    const session = await this.find(stripeSessionId);
    if (session?.status === 'open') throw new Refusal(unreachable(true));
    return session;
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
  return kind === null ? error : new Refusal(unreachable(kind === 'RETRYABLE'));
}

const unreachable = (retryable: boolean) =>
  ({
    code: 'PAYMENT_PROVIDER_UNAVAILABLE',
    message: 'The payment provider could not be reached or refused the request. Nothing was charged.',
    path: null,
    retryable,
  }) as const;
