import type { Order } from '../../entities/order.js';
import type { Clock } from '../../runtime/clock.js';
import type { Database, Statement } from '../../stores/database.js';
import { Refusal } from '../errors.js';
import { forgetResults } from '../ledger/idempotency.js';
import type { Ledger } from '../ledger/ledger.js';
import { type Checkout, SessionRefused } from './checkout.js';
import { canBeOpened } from './decide-open-order.js';
import { lockOrder, orderById } from './find-order.js';
import type { Fulfilment } from './fulfilment.js';

const closeOpenOrder: Statement = {
  name: 'orders-close-open-order',
  text: `update orders set status = $2, failure_reason = $3, closed_at = $4, superseded_session_id = null
    where id = $1 and status = 'OPEN' and session_number = $5 and stripe_session_id is not distinct from $6 returning id`,
};

/** Other requests may replace the session meanwhile; more often than this is a defect. */
const MAX_ROUNDS = 5;

/**
 * Brings orders up to date with Stripe, outside any transaction. An order that was paid is fulfilled, whatever else was
 * intended.
 */
export class OrderSessions {
  constructor(
    private readonly database: Pick<Database, 'query' | 'forViewer'>,
    private readonly clock: Clock,
    private readonly ledger: Ledger,
    private readonly checkout: Checkout,
    private readonly fulfilment: Fulfilment,
  ) {}

  /**
   * The order after applying Stripe's current state: fulfilled, closed or PROCESSING if its session says so.
   *
   * @throws PAYMENT_PROVIDER_UNAVAILABLE
   */
  async follow(order: Order): Promise<{ order: Order; known: boolean }> {
    const stripeSessionId = order.stripeSessionId ?? order.supersededSessionId;
    if (!stripeSessionId || (order.status !== 'OPEN' && order.status !== 'PROCESSING')) return { order, known: false };
    const session = await this.checkout.find(stripeSessionId);
    if (session && session.status !== 'open') await this.fulfilment.applyCheckoutSession(session, null);
    return { order: await orderById(this.database, order.id), known: session !== null };
  }

  /** Like `follow`, but returns the order as it is stored while Stripe is unreachable. */
  async followIfReachable(order: Order): Promise<Order> {
    try {
      return (await this.follow(order)).order;
    } catch (error) {
      if (error instanceof Refusal) return order;
      throw error;
    }
  }

  /**
   * An open order with a session that can pay it: its own, if that is still open at Stripe, or a new one, after expiring the
   * previous one. An order that was paid or closed meanwhile is returned as it is. If Stripe permanently refuses the session,
   * the order is closed as FAILED and `forgetKey` can be used again, because failures are not stored.
   *
   * @throws PAYMENT_PROVIDER_UNAVAILABLE
   */
  async ensure(order: Order, forgetKey: string | null = null): Promise<Order> {
    let current = order;
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      if (current.status !== 'OPEN') return current;
      current = current.stripeSessionId ? await this.followIfReachable(current) : await this.openSession(current, forgetKey);
      if (current.stripeSessionId) return current;
    }
    throw new Error(`the session of order ${order.id} was replaced each time it was opened`);
  }

  private async openSession(order: Order, forgetKey: string | null): Promise<Order> {
    if (!canBeOpened(order, this.clock.now())) return this.end(order, 'EXPIRED');
    const free = await this.withoutSuperseded(order);
    if (free.status !== 'OPEN') return free;
    try {
      return await this.checkout.open(free);
    } catch (error) {
      if (!(error instanceof SessionRefused) || (await this.closeRefused(free, error.reason, forgetKey))) throw error;
      return orderById(this.database, order.id);
    }
  }

  /**
   * Expires what is open at Stripe, then closes the order; if it was paid first, it is fulfilled instead.
   *
   * @throws PAYMENT_PROVIDER_UNAVAILABLE
   */
  async end(order: Order, status: 'EXPIRED' | 'CANCELLED'): Promise<Order> {
    let current = order;
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      const free = await this.withoutSuperseded(current);
      if (free.status !== 'OPEN') return free;
      if (current.stripeSessionId) {
        const session = await this.checkout.close(current.stripeSessionId);
        if (session?.status === 'complete') return this.apply(order.id, session);
      }
      const values = [order.id, status, null, this.clock.now(), order.sessionNumber, current.stripeSessionId];
      const [closed] = await this.database.forViewer(order.userId).query(closeOpenOrder, values);
      current = await orderById(this.database, order.id);
      // Another request may have stored the session of this order meanwhile: it must be expired first. A later session is not ours to end.
      if (closed || current.status !== 'OPEN' || current.sessionNumber !== order.sessionNumber) return current;
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
    const free = await this.withoutSuperseded(order);
    if (free.status !== 'OPEN') return free;
    return this.end(await this.recoverSession(free), 'CANCELLED');
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

  private async withoutSuperseded(order: Order): Promise<Order> {
    if (!order.supersededSessionId || order.status !== 'OPEN') return order;
    const session = await this.checkout.close(order.supersededSessionId);
    return session?.status === 'complete' ? this.apply(order.id, session) : order;
  }

  private async apply(orderId: string, session: Parameters<Fulfilment['applyCheckoutSession']>[0]): Promise<Order> {
    await this.fulfilment.applyCheckoutSession(session, null);
    return orderById(this.database, orderId);
  }

  /** False when the order must not be closed, because another request opened its session meanwhile or it was paid. */
  private async closeRefused(order: Order, reason: string, forgetKey: string | null): Promise<boolean> {
    // In one transaction: a process that dies in between would leave keys whose result is a failed order.
    return this.ledger.change(order, async ({ tx, now }) => {
      const locked = await lockOrder(tx, order.id);
      if (!locked || canBePaid(locked, order.sessionNumber)) return false;
      await tx.query(closeOpenOrder, [order.id, 'FAILED', reason, now, order.sessionNumber, locked.stripeSessionId]);
      // Before its first session, the order was never returned to anyone, so no key has a result.
      const keys = order.sessionNumber === 1 ? 'ALL' : forgetKey === null ? null : { key: forgetKey };
      await forgetResults(tx, order.userId, order.id, keys);
      return true;
    });
  }
}

/** Whether an order is paid, or can be paid by a session other than the refused one, which has this number. */
const canBePaid = ({ status, stripeSessionId, sessionNumber }: Order, refusedNumber: number): boolean =>
  status === 'PAID' ||
  status === 'PROCESSING' ||
  (status === 'OPEN' && (stripeSessionId !== null || sessionNumber !== refusedNumber));
