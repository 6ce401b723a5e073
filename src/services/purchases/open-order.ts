import type { Order } from '../../entities/order.js';
import type { Clock } from '../../runtime/clock.js';
import { orderColumns } from '../../stores/columns.js';
import { type Database, statement } from '../../stores/database.js';
import type { OpenSessions } from '../../stores/open-sessions.js';
import { wrongState } from '../errors.js';
import { isUuid, newId } from '../ids.js';
import { findResult, type IdempotentRequest } from '../ledger/idempotency.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Unit } from '../ledger/unit.js';
import { SessionRefused } from './checkout.js';
import { decideOpenOrder, type OpenOrderStep } from './decide-order.js';
import { orderById } from './fulfilment.js';
import type { OrderSessions } from './order-sessions.js';

const openPurchase = statement('purchases-open-purchase')`select ${orderColumns} from orders o
    where user_id = $1 and version_id = $2 and status = 'OPEN' and kind = 'PURCHASE' for no key update`;
const openTopUp = statement('purchases-open-top-up')`select ${orderColumns} from orders o
    where user_id = $1 and amount = $2 and currency = $3 and status = 'OPEN' and kind = 'TOP_UP' for no key update`;
/** The viewer's orders for any version of the plan that `version` belongs to, paid and waiting for the bank's answer. */
const processingOfPlan = (viewer: string, version: string) =>
  `select 1 from orders p join subscription_versions sold on sold.id = p.version_id
    where p.user_id = ${viewer} and p.kind = 'PURCHASE' and p.status = 'PROCESSING'
      and sold.subscription_id = (select subscription_id from subscription_versions where id = ${version})`;
const findProcessing = statement('purchases-find-processing')`${processingOfPlan('$1', '$2')} limit 1`;
const insertOrder = statement('purchases-insert-order')`
    insert into orders as o (id, user_id, kind, status, amount, currency, version_id, created_at, expires_at, return_url)
    values ($1, $2, $3, 'OPEN', $4, $5, $6, $7, $8, $9) returning ${orderColumns}`;
const replaceSession = statement('purchases-replace-session')`update orders o
    set superseded_session_id = stripe_session_id, stripe_session_id = null, checkout_url = null,
      session_number = session_number + 1, return_url = $2, expires_at = $3
    where id = $1 returning ${orderColumns}`;

/**
 * Returns the order and writes the key's record in one statement, if the order is for the same thing and can still be paid. The
 * row is read under a lock that waits for every change, so that an order that is being paid or closed is seen as it is
 * afterwards. Only for an unused key: when nothing is returned, the caller looks up what is known of a used one.
 */
const reopenOrder = statement('purchases-take-up-open-order')`with open_order as (
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
    select * from open_order where exists (select from kept)`;

/** What an order is opened for. */
export interface OrderIntent {
  readonly userId: string;
  readonly kind: Order['kind'];
  readonly amount: number;
  readonly currency: string;
  readonly versionId: string | null;
  readonly returnUrl: string;
  readonly expiresAt: Date;
}

/** The stored result of an order's key. */
interface OrderResult {
  readonly orderId: string;
}

interface OpenedOrder {
  readonly order: Order;
  readonly step: OpenOrderStep;
}

/** How often an order that is closed while its checkout is being opened is replaced by another. */
const MAX_ROUNDS = 5;

/** Rule 1: one open order per viewer and purpose, with the checkout session that pays it. */
export class OpenOrder {
  constructor(
    private readonly database: Pick<Database, 'query' | 'forViewer'>,
    private readonly clock: Clock,
    private readonly ledger: Ledger,
    private readonly sessions: OrderSessions,
    private readonly openSessions: OpenSessions,
  ) {}

  /**
   * The current order of a key that was used before; null for an unused key.
   *
   * @throws IDEMPOTENCY_CONFLICT, PAYMENT_PROVIDER_UNAVAILABLE
   */
  async replay(request: IdempotentRequest): Promise<Order | null> {
    const earlier = await findResult<OrderResult>(this.database, request);
    return earlier && this.present(earlier);
  }

  /**
   * The viewer's open order with its session, or the order that was paid in that moment. The order and the key's record are
   * written in one transaction; then Stripe is called, with a key derived from the order's id.
   *
   * @throws WRONG_STATE, CURRENCY_MISMATCH, IDEMPOTENCY_CONFLICT, PAYMENT_PROVIDER_UNAVAILABLE
   */
  async open(request: IdempotentRequest, what: OrderIntent): Promise<Order> {
    for (let round = 1; round <= MAX_ROUNDS; round++) {
      const taken = await this.take(request, what);
      if ('replay' in taken) return this.remember(await this.present(taken.replay));
      const { order, step } = taken.done;
      if (step === 'SETTLE') {
        const settled = await this.settle(order);
        // It was paid while it was requested again: return that order, so that nobody pays twice by mistake.
        if (settled.status === 'PAID') return this.answerWith(request, what, settled);
        continue;
      }
      const ensured = await this.sessions.ensure(order, request);
      if (ensured.status === 'OPEN' || ensured.status === 'PAID') return this.remember(ensured);
    }
    throw wrongState('The order was closed each time it was opened. Try again.', 'CANCELLED');
  }

  /** Takes the viewer's open order or creates one, and writes the key's record. SETTLE: neither was done. */
  private async take(request: IdempotentRequest, what: OrderIntent) {
    const open = await this.reopen(request, what);
    if (open) return { done: { order: open, step: 'USE' as const } };
    return this.ledger.replayOr<OrderResult, OpenedOrder>(request, what, async (unit, save) => {
      const opened = await takeOrder(unit, what);
      if (opened.step !== 'SETTLE') await save({ orderId: opened.order.id });
      return opened;
    });
  }

  /**
   * The fast path to the viewer's open order: one statement by the order's id, without the viewer's lock. Redis only suggests
   * the id; the database decides whether it belongs to the viewer, is for the same thing and return URL, is open and has not
   * expired. If not, or if Redis is unavailable, null is returned, and the slow path has to be taken.
   */
  private async reopen({ callerId, key, operation, inputHash }: IdempotentRequest, what: OrderIntent): Promise<Order | null> {
    const orderId = await this.openSessions.find(what);
    if (orderId === null || !isUuid(orderId)) return null;
    const { userId, kind, amount, currency, versionId, returnUrl } = what;
    const values = [orderId, userId, kind, amount, currency, versionId, returnUrl, this.clock.now()];
    const [order] = await this.database
      .forViewer(userId)
      .query<Order>(reopenOrder, [...values, callerId, key, operation, inputHash]);
    return order ?? null;
  }

  /** Remembers an order whose session is open, for the fast path. */
  private remember(order: Order): Order {
    const { id, status, stripeSessionId, expiresAt } = order;
    if (status === 'OPEN' && stripeSessionId) this.openSessions.keep(order, id, expiresAt, this.clock.now());
    return order;
  }

  /** Settles the order that blocks a viewer's next checkout: closed, paid, or given the session it lacks. */
  private async settle(order: Order): Promise<Order> {
    if (order.cancelRequestedAt) return this.sessions.cancel(order);
    if (order.expiresAt <= this.clock.now()) return this.sessions.end(order, 'EXPIRED');
    try {
      return await this.sessions.ensure(order);
    } catch (error) {
      if (error instanceof SessionRefused) return orderById(this.database, order.id);
      throw error;
    }
  }

  private async answerWith(request: IdempotentRequest, what: OrderIntent, order: Order): Promise<Order> {
    const result = await this.ledger.once(request, what, async (): Promise<OrderResult> => ({ orderId: order.id }));
    return result.orderId === order.id ? order : this.present(result);
  }

  /** The current order of a key that was used before. */
  private async present({ orderId }: OrderResult): Promise<Order> {
    const order = await orderById(this.database, orderId);
    return order.cancelRequestedAt ? order : this.sessions.ensure(order);
  }
}

/**
 * The viewer's open order for the same thing, or a new one: while one is open, another request gets the same order. For another
 * return URL it is prepared for another session; the previous session stays in the row until it is expired at Stripe, so a
 * crash loses neither. SETTLE: nothing was changed, and Stripe has to be asked about the order first. The caller must hold the
 * viewer's lock. A PROCESSING top-up does not block another.
 *
 * @throws WRONG_STATE while a payment for the plan is PROCESSING
 */
export async function takeOrder(unit: Unit, intent: OrderIntent): Promise<OpenedOrder> {
  const { userId, versionId, amount, currency, returnUrl, expiresAt } = intent;
  const { tx, now } = unit;
  // 1. Load
  const [processing] = versionId ? await tx.query(findProcessing, [userId, versionId]) : [];
  if (processing) throw paymentIsProcessing();
  const [open] = versionId
    ? await tx.query<Order>(openPurchase, [userId, versionId])
    : await tx.query<Order>(openTopUp, [userId, amount, currency]);
  // 2. Decide
  const step = open ? decideOpenOrder(open, returnUrl, now) : 'USE';
  if (open && step !== 'REPLACE_SESSION') return { order: open, step };
  // 3. Write
  const [order] = open
    ? await tx.query<Order>(replaceSession, [open.id, returnUrl, expiresAt])
    : await tx.query<Order>(insertOrder, [newId(), userId, intent.kind, amount, currency, versionId, now, expiresAt, returnUrl]);
  if (!order) throw new Error('an order that was just written is gone');
  if (!open) unit.changed('ORDER', order.id);
  return { order, step };
}

/** WRONG_STATE: the viewer has paid for the plan and the bank has not answered. */
const paymentIsProcessing = () =>
  wrongState(
    'A card payment for this subscription is being processed. Wait for the bank, or pay from the balance.',
    'PROCESSING',
    'input',
    'subscriptionId',
  );
