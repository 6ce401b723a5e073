import type { Clock } from '../../clock.js';
import type { Database, Statement } from '../../stores/database.js';
import { Refusal } from '../billing-error.js';
import { eachEvenIfSomeFail } from '../each-even-if-some-fail.js';
import type { Checkout } from './checkout.js';
import type { Fulfilment } from './fulfilment.js';

/** Stripe ends the session by itself; its word is waited for this long before we ask. */
const GRACE_MS = 60_000;
/**
 * A session that Stripe never told us of, or that it does not know (any more), is given up this long after its order: no
 * session is open longer. Should it be paid all the same, for another key of ours did not see it, the order is still fulfilled.
 * https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at
 */
const UNKNOWN_SESSION_MS = 24 * 60 * 60 * 1000;

/** Claims orders by putting their next look off, so that several workers share them. */
const claimExpired: Statement = {
  name: 'purchases-claim-expired-orders',
  text: `update orders set expires_at = $2::timestamptz + interval '10 minutes'
    where id in (select id from orders where status = 'OPEN' and expires_at < $1 order by expires_at limit $3 for update skip locked)
    returning id, stripe_session_id as "stripeSessionId", created_at as "createdAt"`,
};
const closeUnknown: Statement = {
  name: 'purchases-close-unknown-order',
  text: `update orders set status = 'EXPIRED', closed_at = $2 where id = $1 and status = 'OPEN'`,
};

/** Asks Stripe how orders whose time is over have ended, and closes or fulfils them; gives back how many were looked at. */
export class CloseExpiredOrders {
  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
    private readonly checkout: Checkout,
    private readonly fulfilment: Fulfilment,
  ) {}

  async closeDue(limit: number): Promise<number> {
    const now = this.clock.now();
    const claimed = await this.database.query<{ id: string; stripeSessionId: string | null; createdAt: Date }>(claimExpired, [
      new Date(now.getTime() - GRACE_MS),
      now,
      limit,
    ]);
    await eachEvenIfSomeFail(claimed, async (order) => {
      const known = order.stripeSessionId !== null && (await this.ask(order.stripeSessionId));
      const old = now.getTime() - order.createdAt.getTime() > UNKNOWN_SESSION_MS;
      if (!known && old) await this.database.query(closeUnknown, [order.id, now]);
    });
    return claimed.length;
  }

  /** False when Stripe does not know the session. */
  private async ask(stripeSessionId: string): Promise<boolean> {
    try {
      const session = await this.checkout.find(stripeSessionId);
      if (session) await this.fulfilment.applyCheckoutSession(session);
      return session !== null;
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return true; // Stripe is away: the next run asks again
    }
  }
}
