import type Stripe from 'stripe';
import { idOf } from '../stripe-events/stripe-references.js';
import { type Difference, money } from './difference.js';
import type { PriceRecord } from './our-records.js';

/** With its product expanded. */
export type StripePrice = Pick<Stripe.Price, 'id' | 'active' | 'unit_amount' | 'currency' | 'product'>;

/**
 * The price at Stripe beside the subscription that is on sale; null when they agree. `theirs` is null when Stripe has none.
 * Copying the subscription once more mends whatever is wrong: a price of Stripe cannot be changed, so a new one takes the place
 * of a wrong one, which is archived; an archived one is put on sale again.
 */
export function comparePrice(theirs: StripePrice | null, ours: PriceRecord): Difference | null {
  const wrong = theirs ? whatIsWrong(theirs, ours) : 'Stripe does not know it';
  if (wrong === null) return null;
  const detail = `Subscription ${ours.subscriptionId} costs ${money(ours.price, ours.currency)}; its price at Stripe: ${wrong}.`;
  return { kind: 'PRICE_DIFFERS', stripeId: ours.stripePriceId, orderId: null, userId: null, detail, repairable: true };
}

function whatIsWrong(theirs: StripePrice, ours: PriceRecord): string | null {
  if (theirs.unit_amount !== ours.price || theirs.currency.toUpperCase() !== ours.currency) {
    return money(theirs.unit_amount, theirs.currency);
  }
  if (!theirs.active) return 'archived';
  const { product } = theirs;
  const productId = idOf(product);
  if (productId !== ours.stripeProductId) return `of another product, ${productId}`;
  if (typeof product === 'string') return null;
  if (product.deleted) return 'its product is deleted';
  if (!product.active) return 'its product is archived';
  // Stripe may keep texts without the white space around them.
  if (product.name.trim() !== ours.title.trim()) return 'its product has another name';
  return (product.description ?? '').trim() === ours.description.trim() ? null : 'its product has another description';
}
