import type { Order } from '../../entities/order.js';
import { orderColumns } from '../../stores/columns.js';
import type { Queryable, Statement } from '../../stores/database.js';
import { wrongState } from '../errors.js';
import { newId } from '../ids.js';
import { decideOpenOrder, type OpenOrderStep } from './decide-open-order.js';

const openPurchase: Statement = {
  name: 'purchases-open-purchase',
  text: `select ${orderColumns} from orders o
    where user_id = $1 and version_id = $2 and status = 'OPEN' and kind = 'PURCHASE' for no key update`,
};
const openTopUp: Statement = {
  name: 'purchases-open-top-up',
  text: `select ${orderColumns} from orders o
    where user_id = $1 and amount = $2 and currency = $3 and status = 'OPEN' and kind = 'TOP_UP' for no key update`,
};
/** The viewer's orders for any version of the plan that `version` belongs to, paid and waiting for the bank's answer. */
export const processingOfPlan = (viewer: string, version: string) =>
  `select 1 from orders p join subscription_versions sold on sold.id = p.version_id
    where p.user_id = ${viewer} and p.kind = 'PURCHASE' and p.status = 'PROCESSING'
      and sold.subscription_id = (select subscription_id from subscription_versions where id = ${version})`;
const findProcessing: Statement = {
  name: 'purchases-find-processing',
  text: `${processingOfPlan('$1', '$2')} limit 1`,
};
const insertOrder: Statement = {
  name: 'purchases-insert-order',
  text: `insert into orders as o (id, user_id, kind, status, amount, currency, version_id, created_at, expires_at, return_url)
    values ($1, $2, $3, 'OPEN', $4, $5, $6, $7, $8, $9) returning ${orderColumns}`,
};
const replaceSession: Statement = {
  name: 'purchases-replace-session',
  text: `update orders o set superseded_session_id = stripe_session_id, stripe_session_id = null, checkout_url = null,
      session_number = session_number + 1, return_url = $2, expires_at = $3
    where id = $1 returning ${orderColumns}`,
};

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

export interface OpenedOrder {
  readonly order: Order;
  readonly step: OpenOrderStep;
}

/**
 * The viewer's open order for the same thing, or a new one: while one is open, another request gets the same order. For another
 * return URL it is prepared for another session; the previous session stays in the row until it is expired at Stripe, so a
 * crash loses neither. SETTLE: nothing was changed, and Stripe has to be asked about the order first. The caller must hold the
 * viewer's lock. A PROCESSING top-up does not block another.
 *
 * @throws WRONG_STATE while a payment for the plan is PROCESSING
 */
export async function openOrder(tx: Queryable, intent: OrderIntent, now: Date): Promise<OpenedOrder> {
  const { userId, versionId, amount, currency, returnUrl, expiresAt } = intent;
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
  return { order, step };
}

/** WRONG_STATE: the viewer has paid for the plan and the bank has not answered. */
export const paymentIsProcessing = () =>
  wrongState(
    'A card payment for this subscription is being processed. Wait for the bank, or pay from the balance.',
    'PROCESSING',
    'input',
    'subscriptionId',
  );
