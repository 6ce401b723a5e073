import { createHash } from 'node:crypto';
import type { Stripe } from 'stripe';
import { isMissingAtStripe, withIdempotencyKey } from '../../stores/stripe.js';
import { toStripeAmount } from '../../stores/stripe-amounts.js';

/** What Stripe is to know of a subscription. */
export interface ProductFacts {
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly active: boolean;
}

/** What Stripe is to know of a version. */
export interface PriceFacts {
  readonly subscriptionId: string;
  readonly versionId: string;
  readonly version: number;
  /** In minor units. */
  readonly price: number;
  readonly currency: string;
}

/** Stripe's largest page: https://docs.stripe.com/api/pagination */
const MAX_PAGE_COUNT = 100;
/** Prices of one product that are archived in one go; it takes a new version for each, so there is hardly ever one. */
const MAX_ARCHIVE_COUNT = 1_000;

/**
 * Products and prices at Stripe. Each has a name that we choose (the product's id, the price's lookup key), so that even long
 * after an idempotency key is forgotten nothing is made twice. The keys hold the content too: Stripe refuses a key that comes
 * again with other parameters. Every method ends in Stripe's errors.
 */
export class StripeCopy {
  constructor(private readonly stripe: Stripe) {}

  /** Creates the product or brings it up to date. Returns its id. */
  async saveProduct(facts: ProductFacts, productId: string | null): Promise<string> {
    if (productId !== null) {
      const updated = await this.updateProduct(productId, facts);
      if (updated) return updated;
    }
    const parameters: Stripe.ProductCreateParams = {
      id: productIdOf(facts.id),
      name: facts.title,
      active: facts.active,
      metadata: { subscription_id: facts.id },
      ...(facts.description === '' ? {} : { description: facts.description }),
    };
    try {
      const key = keyOf('product', facts.id, parameters);
      const product = await withIdempotencyKey(key, (options) => this.stripe.products.create(parameters, options));
      // A key that is still remembered answers with the product as it was then.
      if (product.name === facts.title && product.active === facts.active) return product.id;
    } catch (error) {
      if ((error as { code?: string }).code !== 'resource_already_exists') throw error;
    }
    const updated = await this.updateProduct(productIdOf(facts.id), facts);
    if (!updated) throw new Error(`Stripe neither makes nor finds the product ${productIdOf(facts.id)}`);
    return updated;
  }

  /** No key of ours: saving A, B and A again must not be answered with the first A. The client makes one for its retries. */
  private async updateProduct(productId: string, { title, description, active }: ProductFacts): Promise<string | null> {
    try {
      return (await this.stripe.products.update(productId, { name: title, description, active })).id;
    } catch (error) {
      if (isMissingAtStripe(error)) return null;
      throw error;
    }
  }

  /**
   * Finds or creates the price of a version. A price cannot be changed at Stripe: when the one with the version's lookup key
   * differs, a new price takes over the key. Returns its id.
   */
  async savePrice(facts: PriceFacts, productId: string): Promise<string> {
    const made = await this.findPrice(facts.versionId);
    if (made && isPriceOf(made, facts, productId)) {
      if (!made.active) await this.stripe.prices.update(made.id, { active: true });
      return made.id;
    }
    const parameters: Stripe.PriceCreateParams = {
      product: productId,
      unit_amount: toStripeAmount(facts.price, facts.currency),
      currency: facts.currency.toLowerCase(),
      lookup_key: facts.versionId,
      nickname: `Version ${facts.version}`,
      metadata: { subscription_id: facts.subscriptionId, version_id: facts.versionId, version: String(facts.version) },
      ...(made ? { transfer_lookup_key: true } : {}),
    };
    const key = keyOf('price', made ? `${facts.versionId}-for-${made.id}` : facts.versionId, parameters);
    return (await withIdempotencyKey(key, (options) => this.stripe.prices.create(parameters, options))).id;
  }

  private async findPrice(versionId: string): Promise<Stripe.Price | undefined> {
    const { data } = await this.stripe.prices.list({ lookup_keys: [versionId], limit: 1 });
    return data[0];
  }

  /** Archives every price of the product but this one (null: every one), however it came there. */
  async archivePrices(productId: string, except: string | null): Promise<void> {
    const active = this.stripe.prices.list({ product: productId, active: true, limit: MAX_PAGE_COUNT });
    const ids = (await active.autoPagingToArray({ limit: MAX_ARCHIVE_COUNT })).map((price) => price.id);
    for (const id of ids) {
      if (id !== except) await this.stripe.prices.update(id, { active: false });
    }
  }
}

const isPriceOf = (price: Stripe.Price, { price: amount, currency }: PriceFacts, productId: string): boolean =>
  price.unit_amount === amount && price.currency.toUpperCase() === currency && price.product === productId;

const productIdOf = (subscriptionId: string) => `boxoffice_${subscriptionId}`;

function keyOf(kind: string, id: string, parameters: object): string {
  const content = createHash('sha256').update(JSON.stringify(parameters)).digest('hex').slice(0, 16);
  return `${kind}-${id}-${content}`;
}
