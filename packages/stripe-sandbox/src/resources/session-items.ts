import type Stripe from 'stripe';
import type { LineItemBody, PriceBody } from '../bodies.js';
import { newIdentifier } from '../identifiers.js';
import { MAX_AMOUNT_MINOR_UNITS } from '../limits.js';
import { mergeMetadata, metadata } from '../metadata.js';
import { choice, currency, integer, listOf, objectOf, type Parsed, required, text } from '../parameters.js';
import { invalidRequest, refused } from '../stripe-error.js';
import type { World } from '../world.js';
import { found } from './found.js';
import { createPrice, taxBehaviors, unitAmount } from './prices.js';
import { createProduct } from './products.js';

const MAX_LINE_ITEMS = 100;
const MAX_QUANTITY = 999_999;

const itemShape = {
  metadata: metadata(),
  price: text(),
  price_data: objectOf({
    currency: required(currency()),
    product: text(),
    product_data: objectOf({
      name: required(text()),
      description: text(),
      images: listOf(text(), { maximum: 8 }),
      metadata: metadata(),
      tax_code: text(),
      unit_label: text(),
    }),
    tax_behavior: choice(taxBehaviors),
    unit_amount: required(unitAmount),
  }),
  quantity: integer({ minimum: 1, maximum: MAX_QUANTITY }),
};
type GivenItem = Parsed<typeof itemShape>;

export const lineItemsParameter = required(listOf(objectOf(itemShape), { maximum: MAX_LINE_ITEMS }));

/** The line items of a new session, all in one currency. */
export function buildLineItems(world: World, given: readonly GivenItem[]): [LineItemBody, ...LineItemBody[]] {
  const [first, ...others] = given.map((item, index) => buildLineItem(world, item, `line_items[${index}]`));
  if (first === undefined) {
    throw invalidRequest('Missing required param: line_items.', { code: 'parameter_missing', param: 'line_items' });
  }
  if (others.some((item) => item.currency !== first.currency)) {
    throw refused('All line items of a Checkout Session must have the same currency.', { param: 'line_items' });
  }
  return [first, ...others];
}

function buildLineItem(world: World, given: GivenItem, path: string): LineItemBody {
  const price = priceOf(world, given, path);
  const quantity = given.quantity ?? 1;
  const amount = (price.unit_amount ?? 0) * quantity;
  if (amount > MAX_AMOUNT_MINOR_UNITS) throw amountTooLarge();
  return {
    id: newIdentifier('li'),
    object: 'item',
    adjustable_quantity: null,
    amount_discount: 0,
    amount_subtotal: amount,
    amount_tax: 0,
    amount_total: amount,
    currency: price.currency,
    description: world.store.products.get(price.product)?.name ?? null,
    metadata: mergeMetadata({}, given.metadata),
    price,
    quantity,
  };
}

function priceOf(world: World, given: GivenItem, path: string): PriceBody {
  if ((given.price === undefined) === (given.price_data === undefined)) {
    throw invalidRequest('Each line item needs either `price` or `price_data`.', { code: 'parameter_missing', param: path });
  }
  if (given.price !== undefined) return activePrice(world, given.price, `${path}[price]`);
  const data = given.price_data;
  if (data === undefined) throw new Error('A line item without price data');
  return inlinePrice(world, data, `${path}[price_data]`);
}

function activePrice(world: World, id: string, param: string): PriceBody {
  const price = found(world.store.prices, id, 'price', param);
  const productActive = world.store.products.get(price.product)?.active === true;
  if (price.active && productActive) return price;
  const message = price.active
    ? `The product ${price.product} of this price is not active, so no new purchases can be made of it.`
    : `The price specified is inactive. This field only accepts active prices.`;
  throw refused(message, { param });
}

/** Inline prices and products are created for this session only: inactive and without events, as at Stripe. */
function inlinePrice(world: World, data: NonNullable<GivenItem['price_data']>, path: string): PriceBody {
  if ((data.product === undefined) === (data.product_data === undefined)) {
    throw invalidRequest('Inline prices need either `product` or `product_data`.', {
      code: 'parameter_missing',
      param: `${path}[product_data]`,
    });
  }
  if (data.product !== undefined) found(world.store.products, data.product, 'product', `${path}[product]`);
  const product = data.product ?? (data.product_data && createProduct(world, { ...data.product_data, active: false }).id);
  if (product === undefined) throw new Error('An inline price without a product');
  return createPrice(world, {
    active: false,
    currency: data.currency,
    product,
    tax_behavior: data.tax_behavior,
    unit_amount: data.unit_amount,
  });
}

export function sumOfItems(items: readonly LineItemBody[]): number {
  const total = items.reduce((sum, item) => sum + item.amount_total, 0);
  if (total > MAX_AMOUNT_MINOR_UNITS) throw amountTooLarge();
  return total;
}

function amountTooLarge() {
  return refused('The total amount due must be no more than 99,999,999 of the smallest unit of the currency.', {
    code: 'amount_too_large',
    param: 'line_items',
  });
}

/** A session's items as the list for `expand[]=line_items`: the first ten, as at Stripe. */
export function lineItemList(world: World, session: string): Stripe.ApiList<LineItemBody> {
  const items = world.store.lineItems.rowsWhere('session', session).map((row) => row.item);
  return {
    object: 'list',
    data: items.slice(0, 10),
    has_more: items.length > 10,
    url: `/v1/checkout/sessions/${session}/line_items`,
  };
}
