/** The kind of object that a Stripe event is about. */
export type EventSubject = 'CHECKOUT_SESSION' | 'REFUND' | 'CHARGE_REFUNDED' | 'DISPUTE';

/** https://docs.stripe.com/api/events/types. Every other type is stored and ignored. */
const SUBJECTS: ReadonlyMap<string, EventSubject> = new Map([
  ['checkout.session.completed', 'CHECKOUT_SESSION'],
  ['checkout.session.async_payment_succeeded', 'CHECKOUT_SESSION'],
  ['checkout.session.async_payment_failed', 'CHECKOUT_SESSION'],
  ['checkout.session.expired', 'CHECKOUT_SESSION'],
  ['refund.created', 'REFUND'],
  ['refund.updated', 'REFUND'],
  ['refund.failed', 'REFUND'],
  ['charge.refund.updated', 'REFUND'],
  ['charge.refunded', 'CHARGE_REFUNDED'],
  ['charge.dispute.created', 'DISPUTE'],
  ['charge.dispute.updated', 'DISPUTE'],
  ['charge.dispute.closed', 'DISPUTE'],
  ['charge.dispute.funds_withdrawn', 'DISPUTE'],
  ['charge.dispute.funds_reinstated', 'DISPUTE'],
]);

/** The types that have an effect; a webhook endpoint must be subscribed to them. One list call accepts at most 20. */
export const EVENT_TYPES: readonly string[] = [...SUBJECTS.keys()];

/** Returns the subject of an event type; null if the type has no effect here. */
export const subjectOf = (type: string): EventSubject | null => SUBJECTS.get(type) ?? null;
