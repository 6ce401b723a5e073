import type Stripe from 'stripe';
import { isMissingAtStripe } from '../../stores/stripe.js';
import type { Disputes } from '../disputes/disputes.js';
import type { JoinedTransaction } from '../ledger/joined-transaction.js';
import type { Fulfilment } from '../purchases/fulfilment.js';
import type { StripeRefunds } from '../refunds/stripe-refunds.js';
import { subjectOf } from './event-types.js';
import type { Applied } from './payment-not-fulfilled-yet.js';

/**
 * The effects of Stripe's objects on orders, grants and the ledger. Each may be applied any number of times and in any order, in the
 * given transaction or, with null, in its own.
 */
export interface StripeEffects {
  readonly fulfilment: Pick<Fulfilment, 'applyCheckoutSession'>;
  readonly stripeRefunds: Pick<StripeRefunds, 'applyStripeRefund'>;
  readonly disputes: Pick<Disputes, 'applyDispute'>;
}

/** Refunds of one payment beyond this number are not read. */
const MAX_REFUNDS = 1_000;

/**
 * Applies the object in an event. A `charge.refunded` event does not contain the refunds, so the caller reads them from Stripe before
 * the transaction (`refundsOfPayment`) and passes them in. All of them are applied, even if one of them is REPORTED.
 *
 * @throws PaymentNotFulfilledYet for an object of a payment whose order is not fulfilled yet
 */
export async function applyEvent(
  event: Pick<Stripe.Event, 'type' | 'data'>,
  refunds: readonly Stripe.Refund[],
  effects: StripeEffects,
  joined: JoinedTransaction,
): Promise<Applied> {
  switch (subjectOf(event.type)) {
    case 'CHECKOUT_SESSION':
      return effects.fulfilment.applyCheckoutSession(
        event.data.object as Stripe.Checkout.Session,
        joined,
        event.type === 'checkout.session.async_payment_failed' ? 'ASYNC_PAYMENT_FAILED' : undefined,
      );
    case 'REFUND':
      return effects.stripeRefunds.applyStripeRefund(event.data.object as Stripe.Refund, joined);
    case 'DISPUTE':
      return effects.disputes.applyDispute(event.data.object as Stripe.Dispute, joined);
    case 'CHARGE_REFUNDED':
      return applyRefunds(refunds, effects, joined);
    default:
      return 'NOT_OURS';
  }
}

async function applyRefunds(
  refunds: readonly Stripe.Refund[],
  effects: StripeEffects,
  joined: JoinedTransaction,
): Promise<Applied> {
  const applied = new Set<Applied>();
  for (const refund of refunds) applied.add(await effects.stripeRefunds.applyStripeRefund(refund, joined));
  if (applied.has('REPORTED')) return 'REPORTED';
  return applied.has('APPLIED') ? 'APPLIED' : 'NOT_OURS';
}

/** Reads a payment's current refunds from Stripe, oldest first; returns none if Stripe does not know the payment. */
export async function refundsOfPayment(stripe: Pick<Stripe, 'refunds'>, paymentIntentId: string): Promise<Stripe.Refund[]> {
  try {
    const list = stripe.refunds.list({ payment_intent: paymentIntentId, limit: 100 });
    return (await list.autoPagingToArray({ limit: MAX_REFUNDS })).reverse();
  } catch (error) {
    if (isMissingAtStripe(error)) return [];
    throw error;
  }
}
