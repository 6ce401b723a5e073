import type Stripe from 'stripe';
import { isMissingAtStripe } from '../../stores/stripe.js';
import type { JoinedTransaction } from '../ledger/in-transaction.js';
import { subjectOf } from './event-types.js';
import type { Applied } from './payment-not-fulfilled-yet.js';
import type { StripeEffects } from './stripe-effects.js';

/** More refunds than this on one payment are not looked at. */
const MAX_REFUNDS = 1_000;

/**
 * Applies the object that an event carries. A `charge.refunded` carries no refunds, so they are asked of Stripe before the
 * transaction (`refundsOfPayment`) and handed in: all are applied, whatever one of them is REPORTED for.
 */
export async function applyEvent(
  event: Pick<Stripe.Event, 'type' | 'data'>,
  refunds: readonly Stripe.Refund[],
  effects: StripeEffects,
  joined: JoinedTransaction,
): Promise<Applied> {
  switch (subjectOf(event.type)) {
    case 'CHECKOUT_SESSION':
      return effects.applyCheckoutSession(event.data.object as Stripe.Checkout.Session, {
        ...joined,
        ...(event.type === 'checkout.session.async_payment_failed' ? { news: 'ASYNC_PAYMENT_FAILED' as const } : {}),
      });
    case 'REFUND':
      return effects.applyStripeRefund(event.data.object as Stripe.Refund, joined);
    case 'DISPUTE':
      return effects.applyDispute(event.data.object as Stripe.Dispute, joined);
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
  for (const refund of refunds) applied.add(await effects.applyStripeRefund(refund, joined));
  if (applied.has('REPORTED')) return 'REPORTED';
  return applied.has('APPLIED') ? 'APPLIED' : 'NOT_OURS';
}

/** All refunds of a payment as Stripe has them now, oldest first; none when Stripe does not know the payment. */
export async function refundsOfPayment(stripe: Pick<Stripe, 'refunds'>, paymentIntentId: string): Promise<Stripe.Refund[]> {
  try {
    const list = stripe.refunds.list({ payment_intent: paymentIntentId, limit: 100 });
    return (await list.autoPagingToArray({ limit: MAX_REFUNDS })).reverse();
  } catch (error) {
    if (isMissingAtStripe(error)) return [];
    throw error;
  }
}
