/**
 * The sandbox's limits. It runs in the memory of a development machine, so at a limit it returns an error instead of growing.
 */

/** Objects of one kind (sessions, charges, …); creating more fails until a reset. */
export const MAX_OBJECTS_PER_KIND = 250_000;
/** Events kept for `GET /v1/events`; the oldest are deleted first (Stripe deletes them after 30 days). */
export const MAX_EVENTS = 100_000;
/** Responses kept for idempotency keys; the oldest are deleted first, even within their 24 hours. */
export const MAX_IDEMPOTENCY_RECORDS = 50_000;
/** Waiting webhook deliveries; events beyond this are stored but not delivered. */
export const MAX_PENDING_DELIVERIES = 50_000;
/** Active fault rules. */
export const MAX_FAULT_RULES = 100;
/** Bytes of a request body. */
export const MAX_BODY_BYTES = 256 * 1024;
/** Pairs and nesting of one form body. */
export const MAX_FORM_PAIRS = 1_000;
export const MAX_FORM_DEPTH = 8;
/** Bytes of log after which the state file is rewritten, if it has also doubled since the last time. */
export const COMPACTION_THRESHOLD_BYTES = 64 * 1024 * 1024;
/** Stripe keeps the response to an idempotency key for at least this long: https://docs.stripe.com/api/idempotent_requests */
export const IDEMPOTENCY_RETENTION_SECONDS = 24 * 60 * 60;
/** Stripe's largest amount, in minor units: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts */
export const MAX_AMOUNT_MINOR_UNITS = 99_999_999;
/** How long a session may stay open: https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at */
export const SHORTEST_SESSION_SECONDS = 30 * 60;
export const MAX_SESSION_SECONDS = 24 * 60 * 60;
/** The latest time that the clock can be moved to. */
export const LATEST_TIME = new Date('2100-01-01T00:00:00.000Z');
/** How often the sandbox checks for expired sessions and due payments. */
export const SWEEP_INTERVAL_MS = 1_000;
