import type { Stripe } from 'stripe';
import type { Order } from '../../entities/order.js';
import type { Clock } from '../../runtime/clock.js';
import { forEachSettled } from '../../runtime/concurrency.js';
import { orderColumns } from '../../stores/columns.js';
import { type Database, type Queryable, statement } from '../../stores/database.js';
import { Refusal } from '../errors.js';
import { forgetResults, type IdempotentRequest } from '../ledger/idempotency.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Unit } from '../ledger/unit.js';
import { type Checkout, SessionRefused } from './checkout.js';
import { canBeOpened } from './decide-order.js';
import { type Fulfilment, lockOrder, orderById } from './fulfilment.js';

const closeOpenOrder = statement('orders-close-open-order')`update orders
    set status = $2, failure_reason = $3, closed_at = $4, superseded_session_id = null
    where id = $1 and status = 'OPEN' and session_number = $5 and stripe_session_id is not distinct from $6 returning id`;
/** Claims orders that are due, so that several workers share them. */
const claimDue = statement('purchases-claim-due-orders')`update orders o
    set lease_expires_at = case when status = 'PROCESSING' then $4::timestamptz else $3::timestamptz end
    where id in (
      select id from orders
      where status in ('OPEN', 'PROCESSING') and (expires_at < $1 or (cancel_requested_at < $1 and status = 'OPEN'))
        and (lease_expires_at is null or lease_expires_at <= $2)
      order by expires_at limit $5 for update skip locked
    )
    returning ${orderColumns}`;
const closeUnknown = statement('purchases-close-unknown-order')`update orders set status = 'EXPIRED', closed_at = $2
    where id = $1 and status = 'OPEN' returning id`;

/** Other requests may replace the session meanwhile; more often than this is a defect. */
const MAX_ROUNDS = 5;
/** Stripe expires a session itself; we wait this long for its event before asking. A cancellation in progress gets as long. */
const GRACE_MS = 60_000;
/**
 * How long a claimed order is left to the worker that claimed it, in case that worker died. Stripe is asked again about as
 * often.
 */
const LEASE_MS = 10 * 60_000;
/** Banks take days: https://docs.stripe.com/payments/payment-methods#payment-notification */
const PROCESSING_LEASE_MS = 60 * 60_000;
/**
 * An order whose session Stripe does not have is abandoned this long after it expired, because no session is open longer. If
 * the session is paid after all (another of our API keys could not see it), the order is still fulfilled.
 * https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at
 */
const UNKNOWN_SESSION_MS = 24 * 60 * 60 * 1000;

/** The first request for an order, whose key is not answered yet; null for everything else. */
type Unanswered = IdempotentRequest | null;

/**
 * Brings orders up to date with Stripe, outside any transaction. An order that was paid is fulfilled, whatever else was
 * intended. A request that is `unanswered` gets its key back in the transaction that closes its order, because failures are not
 * stored: a process that is killed leaves no key whose result is an order that it closed itself.
 */
export class OrderSessions {
  constructor(
    private readonly database: Pick<Database, 'query'>,
    private readonly clock: Clock,
    private readonly ledger: Ledger,
    private readonly checkout: Checkout,
    private readonly fulfilment: Fulfilment,
  ) {}

  /** The order after applying Stripe's current state; as it is stored while Stripe is unreachable. */
  async followIfReachable(order: Order, unanswered: Unanswered = null): Promise<Order> {
    try {
      return (await this.follow(order, unanswered)).order;
    } catch (error) {
      if (error instanceof Refusal) return order;
      throw error;
    }
  }

  /**
   * An open order with a session that can pay it: its own, if that is still open at Stripe, or a new one, after expiring the
   * previous one. An order that was paid or closed meanwhile is returned as it is. If Stripe permanently refuses the session,
   * the order is closed as FAILED.
   *
   * @throws PAYMENT_PROVIDER_UNAVAILABLE
   */
  async ensure(order: Order, unanswered: Unanswered = null): Promise<Order> {
    let current = order;
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      if (current.status !== 'OPEN') return current;
      current = current.stripeSessionId
        ? await this.followIfReachable(current, unanswered)
        : await this.openSession(current, unanswered);
      if (current.stripeSessionId) return current;
    }
    throw new Error(`the session of order ${order.id} was replaced each time it was opened`);
  }

  /**
   * Expires what is open at Stripe, then closes the order; if it was paid first, it is fulfilled instead.
   *
   * @throws PAYMENT_PROVIDER_UNAVAILABLE
   */
  async end(order: Order, status: 'EXPIRED' | 'CANCELLED', unanswered: Unanswered = null): Promise<Order> {
    let current = order;
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      const free = await this.withoutSuperseded(current, unanswered);
      if (free.status !== 'OPEN') return free;
      const { stripeSessionId } = current;
      if (stripeSessionId) {
        const session = await this.checkout.close(stripeSessionId);
        if (session?.status === 'complete') return this.apply(order, session, unanswered);
      }
      current = await this.ledger.change(order, async (unit) => {
        await close(unit, order, [status, null, stripeSessionId]);
        return settled(unit.tx, order, unanswered);
      });
      // Another request may have stored the session of this order meanwhile: it must be expired first. A later session is not ours to end.
      if (current.status !== 'OPEN' || current.sessionNumber !== order.sessionNumber) return current;
    }
    throw new Error(`the session of order ${order.id} changed each time the order was closed`);
  }

  /**
   * Ends an order whose cancellation was requested. A session that Stripe may have opened without our knowledge is looked up
   * first; if there can be none, Stripe is not called.
   *
   * @throws PAYMENT_PROVIDER_UNAVAILABLE
   */
  async cancel(order: Order): Promise<Order> {
    const free = await this.withoutSuperseded(order, null);
    if (free.status !== 'OPEN') return free;
    return this.end(await this.recoverSession(free), 'CANCELLED');
  }

  /**
   * Asks Stripe what became of overdue orders, and closes or fulfils them; completes cancellations that were interrupted. A
   * PROCESSING order is only checked: nothing but the bank's answer ends it. While Stripe is unreachable, orders are left to
   * the next call. Returns how many were checked.
   */
  async closeDue(limit: number): Promise<number> {
    const now = this.clock.now();
    const after = (ms: number) => new Date(now.getTime() + ms);
    const values = [after(-GRACE_MS), now, after(LEASE_MS), after(PROCESSING_LEASE_MS), limit];
    const claimed = await this.database.query<Order>(claimDue, values);
    await forEachSettled(claimed, async (order) => {
      try {
        await this.closeOne(order, now);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    });
    return claimed.length;
  }

  private async closeOne(order: Order, now: Date): Promise<void> {
    if (order.status === 'OPEN') {
      if (order.cancelRequestedAt) return void (await this.cancel(order));
      // Nobody received the URL of a session that was never recorded here.
      if (!order.stripeSessionId) return void (await this.end(order, 'EXPIRED'));
    }
    const { known } = await this.follow(order, null);
    const old = now.getTime() - order.createdAt.getTime() > UNKNOWN_SESSION_MS;
    if (!known && old && order.status === 'OPEN') await this.closeUnknown(order);
  }

  private async closeUnknown(order: Order): Promise<void> {
    await this.ledger.change(order, async (unit) => {
      const closed = await unit.tx.query(closeUnknown, [order.id, unit.now]);
      if (closed.length > 0) unit.changed('ORDER', order.id);
    });
  }

  /** The order after applying Stripe's current state, and whether Stripe knows its session. */
  private async follow(order: Order, unanswered: Unanswered): Promise<{ order: Order; known: boolean }> {
    const stripeSessionId = order.stripeSessionId ?? order.supersededSessionId;
    if (!stripeSessionId || (order.status !== 'OPEN' && order.status !== 'PROCESSING')) return { order, known: false };
    const session = await this.checkout.find(stripeSessionId);
    const ended = session && session.status !== 'open';
    const current = ended ? this.apply(order, session, unanswered) : settled(this.database, order, unanswered);
    return { order: await current, known: session !== null };
  }

  private async openSession(order: Order, unanswered: Unanswered): Promise<Order> {
    if (!canBeOpened(order, this.clock.now())) return this.end(order, 'EXPIRED', unanswered);
    const free = await this.withoutSuperseded(order, unanswered);
    if (free.status !== 'OPEN') return free;
    try {
      const opened = await this.checkout.open(free);
      return opened.status === 'OPEN' ? opened : await settled(this.database, order, unanswered);
    } catch (error) {
      if (!(error instanceof SessionRefused) || (await this.closeRefused(free, error.reason, unanswered))) throw error;
      return settled(this.database, order, unanswered);
    }
  }

  private async recoverSession(order: Order): Promise<Order> {
    if (order.stripeSessionId || !canBeOpened(order, this.clock.now())) return order;
    try {
      return await this.checkout.open(order);
    } catch (error) {
      if (error instanceof Refusal && error.error.code === 'PAYMENT_PROVIDER_UNAVAILABLE' && !error.error.retryable) return order;
      throw error;
    }
  }

  private async withoutSuperseded(order: Order, unanswered: Unanswered): Promise<Order> {
    if (!order.supersededSessionId || order.status !== 'OPEN') return order;
    const session = await this.checkout.close(order.supersededSessionId);
    return session?.status === 'complete' ? this.apply(order, session, unanswered) : order;
  }

  private apply(order: Order, session: Stripe.Checkout.Session, unanswered: Unanswered): Promise<Order> {
    return this.ledger.open(async (joined) => {
      await this.fulfilment.applyCheckoutSession(session, joined);
      return settled(joined.tx, order, unanswered);
    });
  }

  /** False when the order must not be closed, because another request opened its session meanwhile or it was paid. */
  private closeRefused(order: Order, reason: string, unanswered: Unanswered): Promise<boolean> {
    return this.ledger.change(order, async (unit) => {
      const { tx } = unit;
      const locked = await lockOrder(tx, order.id);
      if (canBePaid(locked, order.sessionNumber)) return false;
      await close(unit, order, ['FAILED', reason, locked.stripeSessionId]);
      // Before its first session, the order was never returned to anyone, so no key has a result.
      await forgetResults(tx, order.userId, order.id, order.sessionNumber === 1 ? 'ALL' : unanswered);
      return true;
    });
  }
}

/** Closes the order if it is still open with this session. */
async function close(
  unit: Unit,
  { id, sessionNumber }: Order,
  [status, reason, stripeSessionId]: readonly ['EXPIRED' | 'CANCELLED' | 'FAILED', string | null, string | null],
): Promise<void> {
  const values = [id, status, reason, unit.now, sessionNumber, stripeSessionId];
  if ((await unit.tx.query(closeOpenOrder, values)).length > 0) unit.changed('ORDER', id);
}

/** The current order. If it can no longer be paid, the unanswered request can use its key again, from the same transaction on. */
async function settled(tx: Queryable, { id, userId }: Order, unanswered: Unanswered): Promise<Order> {
  const order = await orderById(tx, id);
  if (order.status !== 'OPEN' && order.status !== 'PAID') await forgetResults(tx, userId, id, unanswered);
  return order;
}

/** Whether an order is paid, or can be paid by a session other than the refused one, which has this number. */
const canBePaid = ({ status, stripeSessionId, sessionNumber }: Order, refusedNumber: number): boolean =>
  status === 'PAID' ||
  status === 'PROCESSING' ||
  (status === 'OPEN' && (stripeSessionId !== null || sessionNumber !== refusedNumber));
