/**
 * A refund or a dispute came before the order that it is about was fulfilled. Not a failure: its event waits for the
 * fulfilment, which wakes it.
 */
export class PaymentNotYetKnown extends Error {
  override readonly name = 'PaymentNotYetKnown';

  constructor(readonly paymentIntentId: string) {
    super(`No order is known yet for the payment ${paymentIntentId}.`);
  }
}
