import type { PriceBody } from '../bodies.js';
import { checkAmount } from '../currency-rules.js';
import { newIdentifier } from '../identifiers.js';
import { MAX_AMOUNT_MINOR_UNITS } from '../limits.js';
import { type MetadataChange, mergeMetadata, metadata } from '../metadata.js';
import { operation } from '../operation.js';
import { createdParameter, inRange, pageOf, pageParameters } from '../pagination.js';
import { choice, currency, integer, listOf, objectOf, required, text, truth } from '../parameters.js';
import { invalidRequest, refused } from '../stripe-error.js';
import type { World } from '../world.js';
import { found } from './found.js';
import { createProduct } from './products.js';

export const taxBehaviors = ['exclusive', 'inclusive', 'unspecified'] as const;
export const unitAmount = integer({ minimum: 0, maximum: MAX_AMOUNT_MINOR_UNITS });

export interface NewPrice {
  active: boolean;
  currency: string;
  lookup_key?: string | undefined;
  metadata?: MetadataChange | undefined;
  nickname?: string | undefined;
  product: string;
  tax_behavior?: PriceBody['tax_behavior'] | undefined;
  unit_amount: number;
}

export function createPrice(world: World, given: NewPrice): PriceBody {
  const { store, clock } = world;
  checkAmount(given.unit_amount, given.currency, 'unit_amount');
  const price: PriceBody = {
    id: newIdentifier('price'),
    object: 'price',
    active: given.active,
    billing_scheme: 'per_unit',
    created: clock.nowSeconds(),
    currency: given.currency,
    custom_unit_amount: null,
    livemode: false,
    lookup_key: given.lookup_key ?? null,
    metadata: mergeMetadata({}, given.metadata),
    nickname: given.nickname ?? null,
    product: given.product,
    recurring: null,
    tax_behavior: given.tax_behavior ?? 'unspecified',
    tiers_mode: null,
    transform_quantity: null,
    type: 'one_time',
    unit_amount: given.unit_amount,
    unit_amount_decimal: String(given.unit_amount),
  };
  return store.put(store.prices, price);
}

/** Transfers a lookup key from another price, or rejects it, as Stripe does. */
function claimLookupKey(world: World, key: string | undefined, transfer: boolean | undefined): void {
  if (key === undefined) return;
  const { store } = world;
  for (const holder of store.prices.rowsWhere('lookup_key', key)) {
    if (transfer !== true) {
      throw refused(`A price (\`${holder.id}\`) is already using that lookup key.`, { param: 'lookup_key' });
    }
    const after: PriceBody = { ...holder, lookup_key: null };
    store.put(store.prices, after);
    world.publishChange('price.updated', holder, after);
  }
}

const createOperation = operation(
  {
    name: 'prices.create',
    method: 'POST',
    path: '/v1/prices',
    parameters: {
      active: truth(),
      currency: required(currency()),
      lookup_key: text({ maximumLength: 200 }),
      metadata: metadata(),
      nickname: text(),
      product: text(),
      product_data: objectOf({ name: required(text()), active: truth(), metadata: metadata(), id: text() }),
      tax_behavior: choice(taxBehaviors),
      transfer_lookup_key: truth(),
      unit_amount: required(unitAmount),
    },
  },
  ({ world, parameters }) => {
    const { store } = world;
    if (parameters.product !== undefined && parameters.product_data !== undefined) {
      throw invalidRequest('You may only specify one of these parameters: product, product_data.', { param: 'product' });
    }
    if (parameters.product !== undefined) found(store.products, parameters.product, 'product', 'product');
    const product = parameters.product ?? (parameters.product_data && createProduct(world, parameters.product_data).id);
    if (product === undefined) {
      throw invalidRequest('Missing required param: product.', { code: 'parameter_missing', param: 'product' });
    }
    claimLookupKey(world, parameters.lookup_key, parameters.transfer_lookup_key);
    const price = createPrice(world, { ...parameters, product, active: parameters.active ?? true });
    world.publish('price.created', price);
    return price;
  },
);

const updateOperation = operation(
  {
    name: 'prices.update',
    method: 'POST',
    path: '/v1/prices/:id',
    parameters: {
      active: truth(),
      lookup_key: text({ maximumLength: 200 }),
      metadata: metadata(),
      nickname: text(),
      tax_behavior: choice(taxBehaviors),
      transfer_lookup_key: truth(),
    },
  },
  ({ world, id, parameters }) => {
    const { store } = world;
    const before = found(store.prices, id, 'price');
    if (parameters.lookup_key !== before.lookup_key) {
      claimLookupKey(world, parameters.lookup_key, parameters.transfer_lookup_key);
    }
    const price: PriceBody = {
      ...before,
      active: parameters.active ?? before.active,
      lookup_key: parameters.lookup_key ?? before.lookup_key,
      metadata: mergeMetadata(before.metadata, parameters.metadata),
      nickname: parameters.nickname ?? before.nickname,
      tax_behavior: parameters.tax_behavior ?? before.tax_behavior,
    };
    store.put(store.prices, price);
    world.publishChange('price.updated', before, price);
    return price;
  },
);

export const priceOperations = [
  createOperation,
  operation(
    {
      name: 'prices.retrieve',
      method: 'GET',
      path: '/v1/prices/:id',
      parameters: {},
    },
    ({ world, id }) => found(world.store.prices, id, 'price'),
  ),
  updateOperation,
  operation(
    {
      name: 'prices.list',
      method: 'GET',
      path: '/v1/prices',
      parameters: {
        ...pageParameters,
        ...createdParameter,
        active: truth(),
        currency: currency(),
        lookup_keys: listOf(text(), { maximum: 10 }),
        product: text(),
        type: choice(['one_time', 'recurring']),
      },
    },
    ({ world, parameters, path }) =>
      pageOf({
        table: world.store.prices,
        page: parameters,
        url: path,
        kind: 'price',
        where: parameters.product === undefined ? undefined : { column: 'product', value: parameters.product },
        matches: (price) =>
          inRange(price.created, parameters.created) &&
          (parameters.active ?? price.active) === price.active &&
          (parameters.currency ?? price.currency) === price.currency &&
          (parameters.type ?? price.type) === price.type &&
          (parameters.lookup_keys?.includes(price.lookup_key ?? '') ?? true),
        view: (price) => price,
      }),
  ),
];
