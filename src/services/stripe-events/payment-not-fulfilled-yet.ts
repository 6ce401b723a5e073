/** An object refers to a payment whose order is not fulfilled yet: it must be applied again once the order is. */
export class PaymentNotFulfilledYet extends Error {
  constructor(readonly paymentIntentId: string) {
    super(`no paid order has the payment ${paymentIntentId} yet`);
  }
}

/**
 * What an apply function did with one of Stripe's objects. NOT_OURS: it concerns nothing that was sold here. REPORTED: it does, but is
 * never booked; an operator must look at it.
 */
export type Applied = 'APPLIED' | 'NOT_OURS' | 'REPORTED';
