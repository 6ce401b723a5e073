import type { Statement } from '../../stores/database.js';

const columns = `id, stripe_id as "stripeId", type, status, payload, attempts, last_error as "lastError",
  received_at as "receivedAt", processed_at as "processedAt", next_attempt_at as "nextAttemptAt",
  waits_for_payment_intent_id as "waitsForPaymentIntentId"`;

export const storeStripeEvent: Statement = {
  name: 'store-stripe-event',
  text: `insert into stripe_events (id, stripe_id, type, status, payload, last_error, received_at, next_attempt_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (stripe_id) do nothing returning id`,
};

/** Takes no lock: it only finds out what must be fetched from Stripe before the transaction. */
export const peekStripeEvent: Statement = {
  name: 'peek-stripe-event',
  text: `select type, payload #>> '{data,object,payment_intent}' as "paymentIntentId" from stripe_events
    where id = $1 and status = any($2)`,
};

/** A locked event is being processed by another worker, so it is skipped. */
export const lockStripeEvent: Statement = {
  name: 'lock-stripe-event',
  text: `select ${columns} from stripe_events where id = $1 and status = any($2) for no key update skip locked`,
};

export const settleStripeEvent: Statement = {
  name: 'settle-stripe-event',
  text: `update stripe_events set status = $2, last_error = $3, processed_at = $4, attempts = attempts + 1,
    next_attempt_at = null, waits_for_payment_intent_id = null where id = $1`,
};

/** Only in the expected states: another process may have settled the event since. */
export const recordFailedAttempt: Statement = {
  name: 'record-failed-attempt',
  text: `update stripe_events set status = $3, attempts = attempts + 1, last_error = $4, next_attempt_at = $5,
    waits_for_payment_intent_id = $6 where id = $1 and status = any($2)`,
};

/**
 * A database error does not count as an attempt. The event becomes due whatever its status was: fulfilment retries a waiting event
 * only once.
 */
export const postponeStripeEvent: Statement = {
  name: 'postpone-stripe-event',
  text: `update stripe_events set status = 'RECEIVED', next_attempt_at = $3 where id = $1 and status = any($2)`,
};

export const findAttempts: Statement = {
  name: 'find-stripe-event-attempts',
  text: 'select attempts from stripe_events where id = $1',
};

/** Finds the order that a payment fulfilled, or at least one that the payment may belong to. */
export const findOrderBehindPayment: Statement = {
  name: 'find-order-behind-payment',
  text: `select status, true as "isOfPayment" from orders where stripe_payment_intent_id = $1
    union all select status, stripe_payment_intent_id = $1 from orders where id = any($2::uuid[]) limit 1`,
};

export const findDueStripeEvents: Statement = {
  name: 'find-due-stripe-events',
  text: `select id from stripe_events where status = 'RECEIVED' and next_attempt_at <= $1 order by next_attempt_at limit $2`,
};

export const findEventsWaitingForPayment: Statement = {
  name: 'find-events-waiting-for-payment',
  text: `select id from stripe_events where waits_for_payment_intent_id = $1 and status = any($2) order by received_at limit $3`,
};

/** Resets the event, with all its attempts available again. */
export const reopenStripeEvent: Statement = {
  name: 'reopen-stripe-event',
  text: `update stripe_events set status = 'RECEIVED', attempts = 0, next_attempt_at = $2, processed_at = null,
    last_error = null where id = $1`,
};

export const findStripeEventsByIds: Statement = {
  name: 'find-stripe-events-by-ids',
  text: `select ${columns} from stripe_events where id = any($1)`,
};

export const findStripeEventsByStripeIds: Statement = {
  name: 'find-stripe-events-by-stripe-ids',
  text: 'select id, stripe_id as "stripeId", status from stripe_events where stripe_id = any($1)',
};

/** Newest first; $1 is the status, $2 and $3 the position after which the page starts. */
export const pageStripeEvents: Statement = {
  name: 'page-stripe-events',
  text: `select ${columns} from stripe_events
    where ($1::text is null or status = $1)
      and ($2::timestamptz is null or (received_at, id) < ($2::timestamptz, $3::uuid))
    order by received_at desc, id desc limit $4`,
};
