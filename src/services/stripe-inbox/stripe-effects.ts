import type Stripe from 'stripe';
import type { Surroundings } from '../in-transaction.js';
import type { Applied } from '../payment-not-yet-known.js';
import type { SessionNews } from '../purchases/fulfilment.js';

/**
 * What objects of Stripe do to orders, grants and the ledger. Each may be applied any number of times and in any order, and
 * throws PaymentNotYetKnown when it is about a payment whose order is not fulfilled yet.
 */
export interface StripeEffects {
  applyCheckoutSession(session: Stripe.Checkout.Session, news: SessionNews): Promise<Applied>;
  applyStripeRefund(refund: Stripe.Refund, surroundings: Surroundings): Promise<Applied>;
  applyDispute(dispute: Stripe.Dispute, surroundings: Surroundings): Promise<Applied>;
}
