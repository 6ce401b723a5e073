import type { Order } from '../../entities/order.js';
import { orderColumns } from '../../stores/columns.js';
import type { Database, Statement } from '../../stores/database.js';
import type { OpenSessions } from '../../stores/open-sessions.js';
import { isUuid } from '../ids.js';
import type { IdempotentRequest } from '../ledger/idempotency.js';
import { type OrderIntent, processingOfPlan } from './open-order.js';

/**
 * Returns the order and writes the key's record in one statement, if the order is for the same thing and can still be paid. The
 * row is read under a lock that waits for every change, so that an order that is being paid or closed is seen as it is
 * afterwards. Only for an unused key: when nothing is returned, the caller looks up what is known of a used one.
 */
const reopenOrder: Statement = {
  name: 'purchases-take-up-open-order',
  text: `with open_order as (
      select ${orderColumns} from orders o
      where id = $1 and user_id = $2 and kind = $3 and amount = $4 and currency = $5 and version_id is not distinct from $6::uuid
        and status = 'OPEN' and stripe_session_id is not null and cancel_requested_at is null
        and return_url = $7 and expires_at > $8 and not exists (${processingOfPlan('$2', '$6::uuid')})
      for share of o
    ), kept as (
      insert into idempotency_records (caller_id, key, operation, input_hash, result, created_at)
      select $9, $10, $11, $12, jsonb_build_object('orderId', id), $8 from open_order
      on conflict do nothing returning 1
    )
    select * from open_order where exists (select from kept)`,
};

/**
 * The fast path to a viewer's open order: one statement by the order's id, without the viewer's lock. Redis only suggests the
 * id; the database decides whether it belongs to the viewer, is for the same thing and return URL, is open and has not expired.
 * If not, or if Redis is unavailable, the slow path is taken.
 */
export class ReopenOrder {
  constructor(
    private readonly database: Pick<Database, 'query' | 'forViewer'>,
    private readonly sessions: OpenSessions,
  ) {}

  /** The order, with the key's record written; null when the slow path has to be taken. */
  async find(intent: IdempotentRequest, what: OrderIntent, now: Date): Promise<Order | null> {
    const orderId = await this.sessions.find(what);
    if (orderId === null || !isUuid(orderId)) return null;
    const [order] = await this.database
      .forViewer(what.userId)
      .query<Order>(reopenOrder, [
        orderId,
        what.userId,
        what.kind,
        what.amount,
        what.currency,
        what.versionId,
        what.returnUrl,
        now,
        intent.callerId,
        intent.key,
        intent.operation,
        intent.inputHash,
      ]);
    return order ?? null;
  }

  /** Remembers an order whose session is open. */
  keep(order: Order, now: Date): void {
    if (order.status === 'OPEN' && order.stripeSessionId) this.sessions.keep(order, order.id, order.expiresAt, now);
  }
}
