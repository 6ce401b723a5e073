import type Stripe from 'stripe';
import type { StripeEvent, StripeEventStatus } from '../../entities/stripe-event.js';
import type { Clock } from '../../runtime/clock.js';
import { decideNextAttempt, type RetryRules } from '../../runtime/decide-next-attempt.js';
import { describeFailure } from '../../runtime/describe-failure.js';
import { stripeEventColumns } from '../../stores/columns.js';
import { isTransient, type Queryable, statement } from '../../stores/database.js';
import { isMissingAtStripe } from '../../stores/stripe.js';
import type { Disputes } from '../disputes/disputes.js';
import { parseId } from '../ids.js';
import type { JoinedTransaction } from '../ledger/joined-transaction.js';
import type { Ledger } from '../ledger/ledger.js';
import type { Fulfilment } from '../purchases/fulfilment.js';
import type { StripeRefunds } from '../refunds/stripe-refunds.js';
import { subjectOf } from './accept-event.js';
import { type Applied, PaymentNotFulfilledYet } from './stripe-objects.js';

/**
 * The effects of Stripe's objects on orders, grants and the ledger. Each may be applied any number of times and in any order, in the
 * given transaction or, with null, in its own.
 */
export interface StripeEffects {
  readonly fulfilment: Pick<Fulfilment, 'applyCheckoutSession'>;
  readonly stripeRefunds: Pick<StripeRefunds, 'applyStripeRefund'>;
  readonly disputes: Pick<Disputes, 'applyDispute'>;
}

export interface EventProcessing {
  readonly database: Queryable;
  readonly ledger: Pick<Ledger, 'open'>;
  readonly stripe: Pick<Stripe, 'refunds'>;
  readonly effects: StripeEffects;
  readonly clock: Clock;
  readonly settings: RetryRules;
  /** Called with a problem that an operator must look at, each time it is found; the event keeps it as `lastError`. */
  readonly onReport?: (problem: string, eventId: string) => void;
}

/** RETRY: failed or too early, will be tried again. SKIPPED: nothing to do, or another process is handling it. */
export type ProcessingOutcome = 'PROCESSED' | 'IGNORED' | 'RETRY' | 'FAILED' | 'SKIPPED';

type Statuses = readonly StripeEventStatus[];

/** The order behind a payment that had not fulfilled one when the event was applied. */
interface OrderBehindPayment {
  readonly paymentIntentId: string;
  readonly order: 'PAID' | 'PAID_OTHERWISE' | 'UNPAID' | null;
}

/** Takes no lock: it only finds out what must be fetched from Stripe before the transaction. */
const peekEvent = statement('peek-stripe-event')`select type, payload #>> '{data,object,payment_intent}' as "paymentIntentId"
    from stripe_events
    where id = $1 and status = any($2)`;
/** A locked event is being processed by another worker, so it is skipped. */
const lockEvent = statement('lock-stripe-event')`select ${stripeEventColumns} from stripe_events
    where id = $1 and status = any($2) for no key update skip locked`;
const settleEvent = statement('settle-stripe-event')`update stripe_events
    set status = $2, last_error = $3, processed_at = $4, attempts = attempts + 1,
    next_attempt_at = null, waits_for_payment_intent_id = null where id = $1`;
/** Only in the expected states: another process may have settled the event since. */
const recordFailedAttempt = statement('record-failed-attempt')`update stripe_events
    set status = $3, attempts = attempts + 1, last_error = $4, next_attempt_at = $5,
    waits_for_payment_intent_id = $6 where id = $1 and status = any($2)`;
/**
 * A database error does not count as an attempt. The event becomes due whatever its status was: fulfilment retries a waiting event
 * only once.
 */
const postponeEvent = statement('postpone-stripe-event')`update stripe_events set status = 'RECEIVED', next_attempt_at = $3
    where id = $1 and status = any($2)`;
const findFailedEvent = statement('find-failed-stripe-event')`select attempts, payload from stripe_events where id = $1`;
/** Finds the order that a payment fulfilled, or at least one that the payment may belong to. */
const findOrderBehindPayment = statement('find-order-behind-payment')`select status, true as "isOfPayment" from orders
    where stripe_payment_intent_id = $1
    union all select status, stripe_payment_intent_id = $1 from orders where id = any($2::uuid[]) limit 1`;

/** Refunds of one payment beyond this number are not read. */
const MAX_REFUNDS = 1_000;

/**
 * Applies one stored event and marks it, in one transaction, if it is in one of the states `from`. A failure is recorded with the event;
 * an error of the database only postpones it.
 *
 * @throws the database's error if not even that was possible
 */
export async function processEvent(parts: EventProcessing, eventId: string, from: Statuses): Promise<ProcessingOutcome> {
  try {
    const refunds = await refundsNeeded(parts, eventId, from);
    return refunds ? await settle(parts, eventId, from, refunds) : 'SKIPPED';
  } catch (error) {
    return recordFailure(parts, eventId, from, error);
  }
}

function settle(
  { ledger, effects, clock, onReport }: EventProcessing,
  eventId: string,
  from: Statuses,
  refunds: readonly Stripe.Refund[],
): Promise<ProcessingOutcome> {
  return ledger.open(async (joined) => {
    const { tx } = joined;
    // 1. Load
    const [row] = await tx.query<StripeEvent>(lockEvent, [eventId, from]);
    if (!row) return 'SKIPPED';
    // 2. Decide and write the event's effect; each effect takes its viewer's lock
    const applied = await applyEvent(row.payload as Stripe.Event, refunds, effects, joined);
    if (applied === 'NOT_OURS') {
      await tx.query(settleEvent, [eventId, 'IGNORED', 'It does not belong to any of our orders.', null]);
      return 'IGNORED';
    }
    // 3. Mark the event. A REPORTED event is FAILED without a retry, because it can never be booked.
    const problem = joined.problems.length > 0 ? describeFailure([...new Set(joined.problems)].join(' ')) : null;
    const status = applied === 'REPORTED' ? 'FAILED' : 'PROCESSED';
    await tx.query(settleEvent, [eventId, status, problem, status === 'PROCESSED' ? clock.now() : null]);
    // 4. Notify
    if (problem !== null) joined.afterCommit(() => onReport?.(problem, eventId));
    return status;
  });
}

/**
 * Applies the object in an event. A `charge.refunded` event does not contain its refunds, so they were read from Stripe before the
 * transaction. All of them are applied, even if one of them is REPORTED.
 */
async function applyEvent(
  { type, data }: Pick<Stripe.Event, 'type' | 'data'>,
  refunds: readonly Stripe.Refund[],
  { fulfilment, stripeRefunds, disputes }: StripeEffects,
  joined: JoinedTransaction,
): Promise<Applied> {
  switch (subjectOf(type)) {
    case 'CHECKOUT_SESSION': {
      const news = type === 'checkout.session.async_payment_failed' ? 'ASYNC_PAYMENT_FAILED' : undefined;
      return fulfilment.applyCheckoutSession(data.object as Stripe.Checkout.Session, joined, news);
    }
    case 'REFUND':
      return stripeRefunds.applyStripeRefund(data.object as Stripe.Refund, joined);
    case 'DISPUTE':
      return disputes.applyDispute(data.object as Stripe.Dispute, joined);
    case 'CHARGE_REFUNDED': {
      const applied = new Set<Applied>();
      for (const refund of refunds) applied.add(await stripeRefunds.applyStripeRefund(refund, joined));
      return (['REPORTED', 'APPLIED'] as const).find((one) => applied.has(one)) ?? 'NOT_OURS';
    }
    default:
      return 'NOT_OURS';
  }
}

/** Reads what the event needs from Stripe: the payment's current refunds, oldest first. Null if it is not to be processed. */
async function refundsNeeded(
  { database, stripe }: EventProcessing,
  eventId: string,
  from: Statuses,
): Promise<Stripe.Refund[] | null> {
  const [seen] = await database.query<{ type: string; paymentIntentId: string | null }>(peekEvent, [eventId, from]);
  if (!seen) return null;
  if (subjectOf(seen.type) !== 'CHARGE_REFUNDED' || seen.paymentIntentId === null) return [];
  try {
    const list = stripe.refunds.list({ payment_intent: seen.paymentIntentId, limit: 100 });
    return (await list.autoPagingToArray({ limit: MAX_REFUNDS })).reverse();
  } catch (error) {
    if (isMissingAtStripe(error)) return [];
    throw error;
  }
}

async function recordFailure(
  { database, clock, settings }: EventProcessing,
  eventId: string,
  from: Statuses,
  error: unknown,
): Promise<ProcessingOutcome> {
  const now = clock.now();
  if (isTransient(error)) {
    await database.query(postponeEvent, [eventId, from, new Date(now.getTime() + settings.backoffMs)]);
    return 'RETRY';
  }
  const [event] = await database.query<Pick<StripeEvent, 'attempts' | 'payload'>>(findFailedEvent, [eventId]);
  const attempts = (event?.attempts ?? 0) + 1;
  const nextAttemptAt = decideNextAttempt({ attempts, now, chance: Math.random() }, settings);
  const early = error instanceof PaymentNotFulfilledYet ? await findOrderBehind(database, event?.payload, error) : null;
  const retries = nextAttemptAt !== null && early?.order !== 'PAID_OTHERWISE';
  const status = retries ? 'RECEIVED' : early && !early.order ? 'IGNORED' : 'FAILED';
  // The payment was fulfilled after our transaction: nothing would retry the event any more, so it is due immediately.
  const dueAt = !retries ? null : early?.order === 'PAID' ? now : nextAttemptAt;
  const reason = reasonOf(status, error, early);
  await database.query(recordFailedAttempt, [eventId, from, status, reason, dueAt, early?.paymentIntentId ?? null]);
  return status === 'RECEIVED' ? 'RETRY' : status;
}

/** Finds the order that the payment paid or, according to the metadata, should pay. PAID_OTHERWISE: another payment paid that order. */
async function findOrderBehind(
  database: Queryable,
  payload: unknown,
  { paymentIntentId }: PaymentNotFulfilledYet,
): Promise<OrderBehindPayment> {
  const object = (payload as Stripe.Event | undefined)?.data.object as { metadata?: Record<string, string> } | undefined;
  const orderIds = Object.values(object?.metadata ?? {}).flatMap((value) => parseId(value) ?? []);
  type Found = { status: string; isOfPayment: boolean | null };
  const [order] = await database.query<Found>(findOrderBehindPayment, [paymentIntentId, orderIds]);
  if (!order) return { paymentIntentId, order: null };
  if (order.status !== 'PAID') return { paymentIntentId, order: 'UNPAID' };
  return { paymentIntentId, order: order.isOfPayment ? 'PAID' : 'PAID_OTHERWISE' };
}

function reasonOf(status: StripeEventStatus, error: unknown, early: OrderBehindPayment | null): string {
  if (status === 'IGNORED') return `None of our orders has the payment ${early?.paymentIntentId}.`;
  if (early?.order === 'PAID_OTHERWISE')
    return `It names one of our orders, which the payment ${early.paymentIntentId} did not pay.`;
  return describeFailure(error);
}
