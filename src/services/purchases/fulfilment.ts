import type { Stripe } from 'stripe';
import type { Order } from '../../entities/order.js';
import type { SubscriptionVersion } from '../../entities/subscription-version.js';
import { orderColumns } from '../../stores/columns.js';
import { type Queryable, statement } from '../../stores/database.js';
import { newId } from '../ids.js';
import type { JoinedTransaction } from '../ledger/joined-transaction.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Unit } from '../ledger/unit.js';
import { type Applied, idOf } from '../stripe-events/stripe-objects.js';
import { decideSession, decideTerms, orderNamedBy, type SessionConsequence, type SessionFacts } from './decide-order.js';

const byId = statement('orders-by-id')`select ${orderColumns} from orders o where o.id = $1`;
const byIdLocked = statement('orders-by-id-locked')`${byId.text} for no key update`;
const byPayment = statement('orders-by-payment')`select ${orderColumns} from orders o
    where o.stripe_payment_intent_id = $1 and o.status = 'PAID'`;
/**
 * By the session, or by the order that the session names: its id may not be stored yet (the process died between Stripe's response and
 * our record of it), or another session is being opened in its place.
 */
const bySession = statement('orders-by-session')`select ${orderColumns} from orders o where o.stripe_session_id = $1
    union all select ${orderColumns} from orders o where o.id = $2 and o.stripe_session_id is null
      and not exists (select from orders where stripe_session_id = $1)`;
const payOrder = statement('fulfilment-pay-order')`update orders
    set status = 'PAID', captured_amount = $2, stripe_payment_intent_id = $3, paid_at = $4, closed_at = null,
    superseded_session_id = null, stripe_session_id = coalesce(stripe_session_id, $5) where id = $1`;
const closeOrder = statement('fulfilment-close-order')`update orders
    set status = $2, failure_reason = $3, closed_at = $4, superseded_session_id = null,
    stripe_session_id = coalesce(stripe_session_id, $5) where id = $1`;
const awaitPayment = statement('fulfilment-await-payment')`update orders set status = 'PROCESSING', superseded_session_id = null,
    stripe_session_id = coalesce(stripe_session_id, $2) where id = $1`;
const versionById = statement('fulfilment-version')`select id, price_per_day as "pricePerDay", duration_days as "durationDays"
    from subscription_versions where id = $1`;
/**
 * Makes events due that arrived before their payment was fulfilled, including abandoned ones. If the process dies, the job
 * retries them.
 */
const retryWaitingEvents = statement('fulfilment-wake-waiting-events')`update stripe_events
    set status = 'RECEIVED', next_attempt_at = $2,
      attempts = case when status = 'RECEIVED' then attempts else 0 end
    where waits_for_payment_intent_id = $1 and status in ('RECEIVED', 'IGNORED', 'FAILED')`;

/** The current order; null when there is none. `id` must be a UUID. */
export async function findOrder(database: Queryable, id: string): Promise<Order | null> {
  return (await database.query<Order>(byId, [id]))[0] ?? null;
}

/** The current order, which must exist: orders are never deleted. */
export async function orderById(database: Queryable, id: string): Promise<Order> {
  const order = await findOrder(database, id);
  if (!order) throw new Error(`order ${id} is gone`);
  return order;
}

/** Locks the order, which must exist; the viewer's lock must be held already. */
export async function lockOrder(tx: Queryable, id: string): Promise<Order> {
  const [order] = await tx.query<Order>(byIdLocked, [id]);
  if (!order) throw new Error(`order ${id} is gone`);
  return order;
}

/** The fulfilled order that was paid by this payment; null when there is none. */
export async function findOrderOfPayment(database: Queryable, paymentIntentId: string): Promise<Order | null> {
  return (await database.query<Order>(byPayment, [paymentIntentId]))[0] ?? null;
}

/** The status and the reason of an order that is closed. */
const CLOSED_AS = {
  CLOSE_EXPIRED: ['EXPIRED', null],
  CLOSE_CANCELLED: ['CANCELLED', null],
  CLOSE_FAILED: ['FAILED', 'The payment failed.'],
} as const;

/** What only the event's type says: after a failed delayed payment the session looks completed and not paid yet. */
export type SessionNews = 'ASYNC_PAYMENT_FAILED';

/** Rules 1 and 3: applies what Stripe says about a checkout. The webhook, the landing page and reconciliation all use this. */
export class Fulfilment {
  constructor(
    private readonly database: Queryable,
    private readonly ledger: Ledger,
    /** Called with each payment after the commit of its fulfilment; the inbox processes the events that waited for it. */
    private readonly onFulfilled: (paymentIntentId: string) => void = () => {},
  ) {}

  /**
   * Brings the session's order up to date with Stripe. When it is paid, the TOP_UP, the SPENDING, the grant and the order's
   * status PAID are written in one transaction. It may be called any number of times, from anywhere, in any order: the first
   * call that finds it paid fulfils the order, the others find that done. A payment that arrives after the order was closed is
   * fulfilled too: nobody pays without getting access.
   */
  async applyCheckoutSession(
    session: Stripe.Checkout.Session,
    joined: JoinedTransaction | null,
    news?: SessionNews,
  ): Promise<Applied> {
    const [found] = await (joined?.tx ?? this.database).query<Order>(bySession, [session.id, orderNamedBy(session)]);
    if (!found) return 'NOT_OURS';
    const apply = async (unit: Unit): Promise<Applied> => {
      // 1. Load
      const order = await lockOrder(unit.tx, found.id);
      // 2. Decide
      const consequence = decideSession(order, factsOf(session, order, news));
      // 3. Write; the ledger commits and notifies
      await this.write(unit, order, session, consequence);
      return 'APPLIED';
    };
    return this.ledger.change(found, apply, joined);
  }

  private async write(
    unit: Unit,
    order: Order,
    session: Stripe.Checkout.Session,
    consequence: SessionConsequence,
  ): Promise<void> {
    if (consequence === 'NOTHING') return;
    unit.changed('ORDER', order.id);
    if (consequence === 'FULFIL') return this.fulfil(unit, order, session);
    if (consequence === 'AWAIT_PAYMENT') await unit.tx.query(awaitPayment, [order.id, session.id]);
    else await unit.tx.query(closeOrder, [order.id, ...CLOSED_AS[consequence], unit.now, session.id]);
  }

  private async fulfil(unit: Unit, order: Order, session: Stripe.Checkout.Session): Promise<void> {
    const { tx, now } = unit;
    const captured = capturedBy(session, order);
    const paymentIntentId = idOf(session.payment_intent);
    await tx.query(payOrder, [order.id, captured, paymentIntentId, now, session.id]);
    if (captured > 0) {
      await unit.post({
        kind: 'TOP_UP',
        amount: captured,
        counterAccount: 'STRIPE',
        orderId: order.id,
        stripePaymentIntentId: paymentIntentId,
      });
    }
    if (order.kind === 'PURCHASE') await issueGrantOf(unit, order, captured);
    if (paymentIntentId) {
      await tx.query(retryWaitingEvents, [paymentIntentId, now]);
      unit.afterCommit(() => this.onFulfilled(paymentIntentId));
    }
  }
}

async function issueGrantOf(unit: Unit, order: Order, captured: number): Promise<void> {
  const [version] = await unit.tx.query<SubscriptionVersion>(versionById, [order.versionId]);
  if (!version) throw new Error(`order ${order.id} has no subscription version`);
  const { pricePerDay, durationDays } = version;
  const ids = { id: newId(), spendingId: newId(), versionId: version.id, orderId: order.id };
  const terms = { paidWith: 'CARD' as const, pricePerDay, durationDays, ...decideTerms(durationDays, unit.now) };
  await unit.issueGrant({ ...ids, ...terms }, captured);
}

/**
 * What Stripe captured, in minor units. It may be less than the order's amount (a coupon applied in the dashboard); what was
 * paid is what is booked. Another currency is a defect, and must not be booked as money.
 */
function capturedBy(session: Stripe.Checkout.Session, order: Order): number {
  const captured = session.amount_total ?? 0;
  if (!Number.isSafeInteger(captured) || captured < 0) throw new Error(`session ${session.id} has no exact amount`);
  if (captured > 0 && session.currency?.toUpperCase() !== order.currency) {
    throw new Error(`session ${session.id} is in ${session.currency}, its order in ${order.currency}`);
  }
  if (captured > 0 && !idOf(session.payment_intent)) throw new Error(`session ${session.id} is paid but names no payment`);
  return captured;
}

function factsOf(session: Stripe.Checkout.Session, order: Order, news: SessionNews | undefined): SessionFacts {
  const intent = typeof session.payment_intent === 'object' ? session.payment_intent : null;
  const intentFailed = intent !== null && (intent.status === 'requires_payment_method' || intent.status === 'canceled');
  return {
    status: session.status,
    paymentStatus: session.payment_status,
    paymentFailed: news === 'ASYNC_PAYMENT_FAILED' || (session.status === 'complete' && intentFailed),
    current: session.id === order.stripeSessionId,
  };
}
