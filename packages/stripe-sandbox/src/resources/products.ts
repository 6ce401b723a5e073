import type { ProductBody } from '../bodies.js';
import { newIdentifier } from '../identifiers.js';
import { type MetadataChange, mergeMetadata, metadata } from '../metadata.js';
import { operation } from '../operation.js';
import { createdParameter, inRange, pageOf, pageParameters } from '../pagination.js';
import { listOf, required, text, truth, unsettable, webAddress } from '../parameters.js';
import { refused } from '../stripe-error.js';
import type { World } from '../world.js';
import { found } from './found.js';

const MAX_IMAGES = 8;
const MAX_NAMED_IDS = 100;

export interface NewProduct {
  id?: string | undefined;
  name: string;
  active?: boolean | undefined;
  description?: string | undefined;
  images?: string[] | undefined;
  metadata?: MetadataChange | undefined;
  statement_descriptor?: string | undefined;
  tax_code?: string | undefined;
  unit_label?: string | undefined;
  url?: string | undefined;
}

export function createProduct(world: World, given: NewProduct): ProductBody {
  const { store, clock } = world;
  if (given.id !== undefined && store.products.has(given.id)) {
    throw refused('Product already exists.', { code: 'resource_already_exists', param: 'id' });
  }
  const product: ProductBody = {
    id: given.id ?? newIdentifier('prod'),
    object: 'product',
    active: given.active ?? true,
    created: clock.nowSeconds(),
    default_price: null,
    description: given.description ?? null,
    images: given.images ?? [],
    livemode: false,
    marketing_features: [],
    metadata: mergeMetadata({}, given.metadata),
    name: given.name,
    package_dimensions: null,
    shippable: null,
    statement_descriptor: given.statement_descriptor ?? null,
    tax_code: given.tax_code ?? null,
    tax_details: null,
    type: 'service',
    unit_label: given.unit_label ?? null,
    updated: clock.nowSeconds(),
    url: given.url ?? null,
  };
  store.put(store.products, product);
  world.publish('product.created', product);
  return product;
}

const updateParameters = {
  active: truth(),
  default_price: text(),
  description: unsettable(text({ maximumLength: 40_000 })),
  images: unsettable(listOf(text(), { maximum: MAX_IMAGES })),
  metadata: metadata(),
  name: text({ maximumLength: 250 }),
  statement_descriptor: text({ maximumLength: 22 }),
  tax_code: unsettable(text()),
  unit_label: unsettable(text({ maximumLength: 12 })),
  url: unsettable(webAddress()),
};
const updateOperation = operation(
  {
    name: 'products.update',
    method: 'POST',
    path: '/v1/products/:id',
    parameters: updateParameters,
  },
  ({ world, id, parameters }) => {
    const { store, clock } = world;
    const before = found(store.products, id, 'product');
    if (parameters.default_price !== undefined) found(store.prices, parameters.default_price, 'price', 'default_price');
    const product: ProductBody = {
      ...before,
      active: parameters.active ?? before.active,
      default_price: parameters.default_price ?? before.default_price,
      description: parameters.description === undefined ? before.description : parameters.description,
      images: parameters.images === undefined ? before.images : (parameters.images ?? []),
      metadata: mergeMetadata(before.metadata, parameters.metadata),
      name: parameters.name ?? before.name,
      statement_descriptor: parameters.statement_descriptor ?? before.statement_descriptor,
      tax_code: parameters.tax_code === undefined ? before.tax_code : parameters.tax_code,
      unit_label: parameters.unit_label === undefined ? before.unit_label : parameters.unit_label,
      updated: clock.nowSeconds(),
      url: parameters.url === undefined ? before.url : parameters.url,
    };
    store.put(store.products, product);
    world.publishChange('product.updated', before, product);
    return product;
  },
);

const listParameters = {
  ...pageParameters,
  ...createdParameter,
  active: truth(),
  ids: listOf(text(), { maximum: MAX_NAMED_IDS }),
  url: text(),
};

export const productOperations = [
  operation(
    {
      name: 'products.create',
      method: 'POST',
      path: '/v1/products',
      parameters: {
        id: text(),
        active: truth(),
        description: text({ maximumLength: 40_000 }),
        images: listOf(text(), { maximum: MAX_IMAGES }),
        metadata: metadata(),
        name: required(text({ maximumLength: 250 })),
        statement_descriptor: text({ maximumLength: 22 }),
        tax_code: text(),
        unit_label: text({ maximumLength: 12 }),
        url: webAddress(),
      },
    },
    ({ world, parameters }) => createProduct(world, parameters),
  ),
  operation(
    {
      name: 'products.retrieve',
      method: 'GET',
      path: '/v1/products/:id',
      parameters: {},
    },
    ({ world, id }) => found(world.store.products, id, 'product'),
  ),
  updateOperation,
  operation(
    {
      name: 'products.list',
      method: 'GET',
      path: '/v1/products',
      parameters: listParameters,
    },
    ({ world, parameters, path }) =>
      pageOf({
        table: world.store.products,
        page: parameters,
        url: path,
        kind: 'product',
        matches: (product) =>
          inRange(product.created, parameters.created) &&
          (parameters.active ?? product.active) === product.active &&
          (parameters.url ?? product.url) === product.url &&
          (parameters.ids?.includes(product.id) ?? true),
        view: (product) => product,
      }),
  ),
];
