import type { Order } from '../../entities/order.js';
import { orderColumns } from '../../stores/columns.js';
import type { Database, Statement } from '../../stores/database.js';
import type { OpenSessions } from '../../stores/open-sessions.js';
import { isUuid } from '../ids.js';
import type { IdempotentRequest } from '../ledger/idempotency.js';
import { type OrderIntent, processingOfPlan } from './open-order.js';

/**
 * The order and the key's record at once, if the order is what is asked for and can be paid still. The row is read under a
 * lock that waits for every change, so that one that is being paid or closed is seen as it is afterwards. An unused key only: what is known of a used one
 * is looked up by whoever gets nothing here.
 */
const takeUp: Statement = {
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
 * The short way to a viewer's open order: one statement by the order's id, without the viewer's lock. Redis only says which id to
 * try; whether it is the viewer's, for the same thing and return URL, open and in time is decided by the database, and where it is not, or
 * Redis is away, the long way is taken.
 */
export class ReopenOrder {
  constructor(
    private readonly database: Pick<Database, 'query' | 'forViewer'>,
    private readonly sessions: OpenSessions,
  ) {}

  /** The order, with the key's record written; null when the long way has to be taken. */
  async find(intent: IdempotentRequest, what: OrderIntent, now: Date): Promise<Order | null> {
    const orderId = await this.sessions.find(what);
    if (orderId === null || !isUuid(orderId)) return null;
    const [order] = await this.database
      .forViewer(what.userId)
      .query<Order>(takeUp, [
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
