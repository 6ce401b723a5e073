/**
 * What the sandbox will hold at most. It lives in the memory of a development machine: when a limit is reached it says so,
 * it does not grow.
 */

/** Objects of one kind (sessions, charges, …); creating another is refused until a reset. */
export const MAXIMUM_OBJECTS_PER_KIND = 250_000;
/** Events kept for `GET /v1/events`; the oldest are forgotten first (Stripe forgets after 30 days). */
export const MAXIMUM_EVENTS = 100_000;
/** Answers kept for idempotency keys; the oldest are forgotten first, also before their 24 hours. */
export const MAXIMUM_IDEMPOTENCY_RECORDS = 50_000;
/** Webhook deliveries waiting; an event beyond it is kept, but not delivered. */
export const MAXIMUM_PENDING_DELIVERIES = 50_000;
/** Fault rules at a time. */
export const MAXIMUM_FAULT_RULES = 100;
/** Bytes of a request body. */
export const MAXIMUM_BODY_BYTES = 256 * 1024;
/** Pairs and nesting of one form body. */
export const MAXIMUM_FORM_PAIRS = 1_000;
export const MAXIMUM_FORM_DEPTH = 8;
/** Bytes of log after which the state file is rewritten, if it also has doubled since the last time. */
export const COMPACTION_THRESHOLD_BYTES = 64 * 1024 * 1024;
/** Stripe keeps the answer to an idempotency key for at least this long: https://docs.stripe.com/api/idempotent_requests */
export const IDEMPOTENCY_RETENTION_SECONDS = 24 * 60 * 60;
/** Stripe's largest amount, in minor units: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts */
export const MAXIMUM_AMOUNT_MINOR_UNITS = 99_999_999;
/** How long a session may stay open: https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at */
export const SHORTEST_SESSION_SECONDS = 30 * 60;
export const MAX_SESSION_SECONDS = 24 * 60 * 60;
/** Beyond this the clock is not moved. */
export const LATEST_TIME = new Date('2100-01-01T00:00:00.000Z');
/** How often the sandbox looks for sessions that have expired and payments that have become due. */
export const SWEEP_INTERVAL_MS = 1_000;
