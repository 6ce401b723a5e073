import type { Dispute } from '../../entities/dispute.js';
import type { Order } from '../../entities/order.js';
import type { Refund } from '../../entities/refund.js';
import { disputeColumns, orderColumns, refundColumns } from '../../stores/columns.js';
import { type Queryable, type Statement, statement } from '../../stores/database.js';

/** An order with its grant and top-ups. */
export interface OrderRecord
  extends Pick<
    Order,
    | 'id'
    | 'userId'
    | 'kind'
    | 'status'
    | 'currency'
    | 'capturedAmount'
    | 'stripeSessionId'
    | 'stripePaymentIntentId'
    | 'createdAt'
  > {
  readonly grantId: string | null;
  /** The sum of its TOP_UPs in the ledger. */
  readonly toppedUp: number;
}

/** The paid order behind a payment. */
export interface PaymentRecord {
  readonly paymentIntentId: string;
  readonly orderId: string;
  readonly userId: string;
  readonly currency: string;
}

export type RefundRecord = Pick<
  Refund,
  'id' | 'userId' | 'orderId' | 'amount' | 'currency' | 'origin' | 'destination' | 'status' | 'stripeRefundId' | 'createdAt'
>;

export type DisputeRecord = Omit<Dispute, 'reason' | 'updatedAt'>;

/** What the ledger has moved between a viewer and Stripe for one payment, refund or dispute. */
export interface MovedRecord {
  /** The id of the payment, refund or dispute. */
  readonly stripeId: string;
  readonly orderId: string | null;
  readonly userId: string;
  readonly currency: string;
  /** In minor units, from the viewer's perspective: money in is positive. */
  readonly moved: number;
  /** False while a refund is pending: its money may be held but has not moved. */
  readonly settled: boolean;
}

/** The price of a subscription that is on sale. */
export interface PriceRecord {
  readonly subscriptionId: string;
  readonly title: string;
  readonly description: string;
  readonly price: number;
  readonly currency: string;
  readonly stripePriceId: string;
  readonly stripeProductId: string | null;
}

const orderRecord = `${orderColumns}, (select g.id from grants g where g.order_id = o.id) as "grantId",
  coalesce((select sum(t.amount) from transactions t where t.order_id = o.id and t.kind = 'TOP_UP'), 0)::bigint as "toppedUp"`;

const ordersOfSessions = statement('reconcile-orders-of-sessions')`select ${orderRecord} from orders o
    where o.stripe_session_id = any($1) or o.id = any($2::uuid[])`;
const paidOrders = statement('reconcile-paid-orders')`select ${orderRecord} from orders o
    where o.status = 'PAID' and o.created_at >= $1 and o.created_at < $2 and (o.created_at, o.id) > ($3, $4::uuid)
    order by o.created_at, o.id limit $5`;
const payments = statement('reconcile-payments')`
    select stripe_payment_intent_id as "paymentIntentId", id as "orderId", user_id as "userId", currency from orders
    where stripe_payment_intent_id = any($1) and status = 'PAID'`;
const refunds = statement('reconcile-refunds')`select ${refundColumns} from refunds
    where stripe_refund_id = any($1) or id = any($2::uuid[])`;
const cardRefundsDone = statement('reconcile-card-refunds-done')`select ${refundColumns} from refunds
    where destination = 'CARD' and status = 'SUCCEEDED' and created_at >= $1 and created_at < $2
      and (created_at, id) > ($3, $4::uuid)
    order by created_at, id limit $5`;
const disputes = statement('reconcile-disputes')`select ${disputeColumns} from disputes where stripe_dispute_id = any($1)`;
const disputesOpened = statement('reconcile-disputes-opened')`select ${disputeColumns} from disputes
    where created_at >= $1 and created_at < $2 and (created_at, id) > ($3, $4::uuid) order by created_at, id limit $5`;
const movedAtStripe = (condition: string) =>
  `coalesce((select sum(t.amount) from transactions t where ${condition} and t.counter_account = 'STRIPE'), 0)::bigint`;
const moved = statement('reconcile-moved')`
    select o.stripe_payment_intent_id as "stripeId", o.id as "orderId", o.user_id as "userId", o.currency, true as settled,
      ${movedAtStripe('t.stripe_payment_intent_id = o.stripe_payment_intent_id')} as moved
    from orders o where o.stripe_payment_intent_id = any($1) and o.status = 'PAID'
    union all select r.stripe_refund_id, r.order_id, r.user_id, r.currency, r.status <> 'PENDING',
      ${movedAtStripe('t.refund_id = r.id')}
    from refunds r where r.stripe_refund_id = any($1)
    union all select d.stripe_dispute_id, d.order_id, d.user_id, d.currency, true,
      ${movedAtStripe('t.dispute_id = d.id')}
    from disputes d where d.stripe_dispute_id = any($1)`;
const priceColumns = `s.id as "subscriptionId", s.title, s.description, v.price, v.currency, v.stripe_price_id as "stripePriceId",
  s.stripe_product_id as "stripeProductId"`;
const onSaleAtStripe = `s.status = 'ACTIVE' and s.stripe_sync_status = 'SYNCED' and v.stripe_price_id is not null`;
const prices = statement('reconcile-prices')`select ${priceColumns}
    from subscriptions s join subscription_versions v on v.id = s.current_version_id
    where ${onSaleAtStripe} and s.id > $1::uuid order by s.id limit $2`;
const priceOf = statement('reconcile-price')`select ${priceColumns}
    from subscriptions s join subscription_versions v on v.id = s.current_version_id
    where ${onSaleAtStripe} and s.id = $1`;

const FIRST_ID = '00000000-0000-0000-0000-000000000000';
const PAGE_COUNT = 200;

/** Reads the records that are compared with Stripe. Read-only. */
export class OurRecords {
  constructor(private readonly database: Queryable) {}

  /** Finds orders by session, and the orders that sessions name, whose own session may be a different one. */
  orders(sessionIds: readonly string[], orderIds: readonly string[]): Promise<OrderRecord[]> {
    return this.database.query(ordersOfSessions, [sessionIds, orderIds]);
  }

  payments(paymentIntentIds: readonly string[]): Promise<PaymentRecord[]> {
    return this.database.query(payments, [paymentIntentIds]);
  }

  refunds(stripeRefundIds: readonly string[], refundIds: readonly string[]): Promise<RefundRecord[]> {
    return this.database.query(refunds, [stripeRefundIds, refundIds]);
  }

  disputes(stripeDisputeIds: readonly string[]): Promise<DisputeRecord[]> {
    return this.database.query(disputes, [stripeDisputeIds]);
  }

  /** Reads PAID orders that were opened in the period, page by page. */
  paidOrders(from: Date, until: Date): AsyncGenerator<OrderRecord> {
    return this.byTime<OrderRecord>(paidOrders, from, until);
  }

  /** Reads completed card refunds that were requested in the period, page by page. */
  cardRefundsDone(from: Date, until: Date): AsyncGenerator<RefundRecord> {
    return this.byTime<RefundRecord>(cardRefundsDone, from, until);
  }

  /** Reads disputes that were first recorded in the period, page by page. */
  disputesOpened(from: Date, until: Date): AsyncGenerator<DisputeRecord> {
    return this.byTime<DisputeRecord>(disputesOpened, from, until);
  }

  /** Finds ledger movements by the ids of Stripe's payments, refunds and disputes. */
  moved(stripeIds: readonly string[]): Promise<MovedRecord[]> {
    return this.database.query(moved, [stripeIds]);
  }

  /** Returns null if the subscription is not on sale or is currently being copied. */
  async price(subscriptionId: string): Promise<PriceRecord | null> {
    return (await this.database.query<PriceRecord>(priceOf, [subscriptionId]))[0] ?? null;
  }

  async *prices(): AsyncGenerator<PriceRecord> {
    let after = FIRST_ID;
    for (;;) {
      const page = await this.database.query<PriceRecord>(prices, [after, PAGE_COUNT]);
      yield* page;
      if (page.length < PAGE_COUNT) return;
      after = page.at(-1)?.subscriptionId ?? after;
    }
  }

  private async *byTime<Row extends { id: string; createdAt: Date }>(
    statement: Statement,
    from: Date,
    until: Date,
  ): AsyncGenerator<Row> {
    let after = { createdAt: new Date(from.getTime() - 1), id: FIRST_ID };
    for (;;) {
      const page = await this.database.query<Row>(statement, [from, until, after.createdAt, after.id, PAGE_COUNT]);
      yield* page;
      if (page.length < PAGE_COUNT) return;
      after = page.at(-1) ?? after;
    }
  }
}
