/** Returns the id of a reference, which Stripe sends as an id or as an expanded object; null if there is none. */
export const idOf = (reference: string | { id: string } | null | undefined): string | null =>
  typeof reference === 'object' ? (reference?.id ?? null) : (reference ?? null);

/**
 * What an apply function did with one of Stripe's objects. NOT_OURS: it concerns nothing that was sold here. REPORTED: it does, but is
 * never booked; an operator must look at it.
 */
export type Applied = 'APPLIED' | 'NOT_OURS' | 'REPORTED';

/** An object refers to a payment whose order is not fulfilled yet: it must be applied again once the order is. */
export class PaymentNotFulfilledYet extends Error {
  constructor(readonly paymentIntentId: string) {
    super(`no paid order has the payment ${paymentIntentId} yet`);
  }
}
