import type { Order } from '../../entities/order.js';
import type { Clock } from '../../runtime/clock.js';
import { forEachSettled } from '../../runtime/concurrency.js';
import { orderColumns } from '../../stores/columns.js';
import type { Queryable, Statement } from '../../stores/database.js';
import { Refusal } from '../errors.js';
import type { OrderSessions } from './order-sessions.js';

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

/** Claims orders that are due, so that several workers share them. */
const claimDue: Statement = {
  name: 'purchases-claim-due-orders',
  text: `update orders o set lease_expires_at = case when status = 'PROCESSING' then $4::timestamptz else $3::timestamptz end
    where id in (
      select id from orders
      where status in ('OPEN', 'PROCESSING') and (expires_at < $1 or (cancel_requested_at < $1 and status = 'OPEN'))
        and (lease_expires_at is null or lease_expires_at <= $2)
      order by expires_at limit $5 for update skip locked
    )
    returning ${orderColumns}`,
};
const closeUnknown: Statement = {
  name: 'purchases-close-unknown-order',
  text: `update orders set status = 'EXPIRED', closed_at = $2 where id = $1 and status = 'OPEN'`,
};

/**
 * Asks Stripe what became of overdue orders, and closes or fulfils them; completes cancellations that were interrupted. A
 * PROCESSING order is only checked: nothing but the bank's answer ends it.
 */
export class CloseExpiredOrders {
  constructor(
    private readonly database: Queryable,
    private readonly clock: Clock,
    private readonly sessions: OrderSessions,
  ) {}

  /** Returns how many orders were checked. */
  async closeDue(limit: number): Promise<number> {
    const now = this.clock.now();
    const after = (ms: number) => new Date(now.getTime() + ms);
    const values = [after(-GRACE_MS), now, after(LEASE_MS), after(PROCESSING_LEASE_MS), limit];
    const claimed = await this.database.query<Order>(claimDue, values);
    await forEachSettled(claimed, async (order) => {
      try {
        await this.closeOne(order, now);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error; // Stripe is unreachable: the next run asks again
      }
    });
    return claimed.length;
  }

  private async closeOne(order: Order, now: Date): Promise<void> {
    if (order.status === 'OPEN') {
      if (order.cancelRequestedAt) return void (await this.sessions.cancel(order));
      // Nobody received the URL of a session that was never recorded here.
      if (!order.stripeSessionId) return void (await this.sessions.end(order, 'EXPIRED'));
    }
    const { known } = await this.sessions.follow(order);
    const old = now.getTime() - order.createdAt.getTime() > UNKNOWN_SESSION_MS;
    if (!known && old && order.status === 'OPEN') await this.database.query(closeUnknown, [order.id, now]);
  }
}
