import type Stripe from 'stripe';
import { type Difference, money } from './difference.js';
import type { PriceRecord } from './records.js';

type StripePrice = Pick<Stripe.Price, 'id' | 'active' | 'unit_amount' | 'currency' | 'product'>;

/** The price at Stripe beside the subscription that is on sale; null when they agree. `theirs` is null when Stripe has none. */
export function comparePrice(theirs: StripePrice | null, ours: PriceRecord): Difference | null {
  const wrong = theirs ? whatIsWrong(theirs, ours) : 'Stripe does not know it';
  if (wrong === null) return null;
  const detail = `Subscription ${ours.subscriptionId} costs ${money(ours.price, ours.currency)}; its price at Stripe: ${wrong}.`;
  return { kind: 'PRICE_DIFFERS', stripeId: ours.stripePriceId, orderId: null, userId: null, detail, repairable: false };
}

function whatIsWrong(theirs: StripePrice, ours: PriceRecord): string | null {
  if (theirs.unit_amount !== ours.price || theirs.currency.toUpperCase() !== ours.currency) {
    return money(theirs.unit_amount, theirs.currency);
  }
  if (!theirs.active) return 'archived';
  const product = typeof theirs.product === 'string' ? theirs.product : theirs.product.id;
  return product === ours.stripeProductId ? null : `of another product, ${product}`;
}
