import type Stripe from 'stripe';
import type { JoinedTransaction } from '../ledger/in-transaction.js';
import type { SessionNews } from '../purchases/fulfilment.js';
import type { Applied } from './payment-not-fulfilled-yet.js';

/**
 * What objects of Stripe do to orders, grants and the ledger. Each may be applied any number of times and in any order, and
 * throws PaymentNotFulfilledYet when it is about a payment whose order is not fulfilled yet.
 */
export interface StripeEffects {
  applyCheckoutSession(session: Stripe.Checkout.Session, news: SessionNews): Promise<Applied>;
  applyStripeRefund(refund: Stripe.Refund, joined: JoinedTransaction): Promise<Applied>;
  applyDispute(dispute: Stripe.Dispute, joined: JoinedTransaction): Promise<Applied>;
}
