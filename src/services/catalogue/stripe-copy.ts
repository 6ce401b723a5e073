import { createHash } from 'node:crypto';
import type { Stripe } from 'stripe';
import { isMissingAtStripe, withIdempotencyKey } from '../../stores/stripe.js';
import { toStripeAmount } from '../../stores/stripe-amounts.js';
import type { SubscriptionAtVersion } from './subscription-rows.js';

/** Stripe's largest page: https://docs.stripe.com/api/pagination */
const MAX_PAGE_COUNT = 100;
/** Prices of one product that are archived at once; each takes a new version, so there is rarely more than one. */
const MAX_ARCHIVE_COUNT = 1_000;

/**
 * Products and prices at Stripe. Each has a name that we choose (the product's id, the price's lookup key), so that nothing is created
 * twice, even long after an idempotency key has expired. The keys include the content too: Stripe rejects a key that is sent again with
 * other parameters. Every method throws Stripe's errors.
 */
export class StripeCopy {
  constructor(private readonly stripe: Stripe) {}

  /** Creates or updates the product of a subscription. Returns its id. */
  async saveProduct(subscription: SubscriptionAtVersion): Promise<string> {
    const { id, title, description, stripeProductId } = subscription;
    if (stripeProductId !== null) {
      const updated = await this.updateProduct(stripeProductId, subscription);
      if (updated) return updated;
    }
    const active = subscription.status === 'ACTIVE';
    const parameters: Stripe.ProductCreateParams = {
      id: productIdOf(id),
      name: title,
      active,
      metadata: { subscription_id: id },
      ...(description === '' ? {} : { description }),
    };
    try {
      const key = keyOf('product', id, parameters);
      const product = await withIdempotencyKey(key, (options) => this.stripe.products.create(parameters, options));
      // While Stripe remembers the key, it returns the product as it was then.
      if (product.name === title && product.active === active) return product.id;
    } catch (error) {
      if ((error as { code?: string }).code !== 'resource_already_exists') throw error;
    }
    const updated = await this.updateProduct(productIdOf(id), subscription);
    if (!updated) throw new Error(`Stripe neither creates nor finds the product ${productIdOf(id)}`);
    return updated;
  }

  /** Without a key of ours: saving A, B and A again must not return the first A. The client generates one for its retries. */
  private async updateProduct(productId: string, { title, description, status }: SubscriptionAtVersion): Promise<string | null> {
    try {
      const { id } = await this.stripe.products.update(productId, { name: title, description, active: status === 'ACTIVE' });
      return id;
    } catch (error) {
      if (isMissingAtStripe(error)) return null;
      throw error;
    }
  }

  /**
   * Finds or creates the price of a version. A price cannot be changed at Stripe: if the one with the version's lookup key differs, a new
   * price takes over the key. Returns its id.
   */
  async savePrice(subscription: SubscriptionAtVersion, productId: string): Promise<string> {
    const { id, versionId, version, price, currency } = subscription;
    const made = await this.findPrice(versionId);
    if (made && isPriceOf(made, subscription, productId)) {
      if (!made.active) await this.stripe.prices.update(made.id, { active: true });
      return made.id;
    }
    const parameters: Stripe.PriceCreateParams = {
      product: productId,
      unit_amount: toStripeAmount(price, currency),
      currency: currency.toLowerCase(),
      lookup_key: versionId,
      nickname: `Version ${version}`,
      metadata: { subscription_id: id, version_id: versionId, version: String(version) },
      ...(made ? { transfer_lookup_key: true } : {}),
    };
    const key = keyOf('price', made ? `${versionId}-for-${made.id}` : versionId, parameters);
    return (await withIdempotencyKey(key, (options) => this.stripe.prices.create(parameters, options))).id;
  }

  private async findPrice(versionId: string): Promise<Stripe.Price | undefined> {
    const { data } = await this.stripe.prices.list({ lookup_keys: [versionId], limit: 1 });
    return data[0];
  }

  /** Archives every price of the product except this one (null: every one). */
  async archivePrices(productId: string, except: string | null): Promise<void> {
    const active = this.stripe.prices.list({ product: productId, active: true, limit: MAX_PAGE_COUNT });
    const ids = (await active.autoPagingToArray({ limit: MAX_ARCHIVE_COUNT })).map((price) => price.id);
    for (const id of ids) {
      if (id !== except) await this.stripe.prices.update(id, { active: false });
    }
  }
}

const isPriceOf = (price: Stripe.Price, { price: amount, currency }: SubscriptionAtVersion, productId: string): boolean =>
  price.unit_amount === amount && price.currency.toUpperCase() === currency && price.product === productId;

const productIdOf = (subscriptionId: string) => `boxoffice_${subscriptionId}`;

function keyOf(kind: string, id: string, parameters: object): string {
  const content = createHash('sha256').update(JSON.stringify(parameters)).digest('hex').slice(0, 16);
  return `${kind}-${id}-${content}`;
}
