import type Stripe from 'stripe';
import type { CustomerBody, CustomerRow } from '../bodies.js';
import { newIdentifier, randomCharacters } from '../identifiers.js';
import { mergeMetadata, metadata } from '../metadata.js';
import { operation } from '../operation.js';
import { createdParameter, inRange, pageOf, pageParameters } from '../pagination.js';
import { text, unsettable } from '../parameters.js';
import { resourceMissing } from '../stripe-error.js';
import type { World } from '../world.js';
import { found } from './found.js';

const parameters = {
  description: unsettable(text()),
  email: unsettable(text({ maximumLength: 512 })),
  metadata: metadata(),
  name: unsettable(text({ maximumLength: 256 })),
  phone: unsettable(text({ maximumLength: 20 })),
};

function isDeleted(customer: CustomerRow): customer is Stripe.DeletedCustomer {
  return 'deleted' in customer;
}

/** Returns the customer, which must exist and not be deleted; `param` is the parameter's name in the error. */
export function livingCustomer(world: World, id: string, param: string): CustomerBody {
  const customer = found(world.store.customers, id, 'customer', param);
  if (isDeleted(customer)) throw resourceMissing('customer', id, param);
  return customer;
}

const createOperation = operation(
  {
    name: 'customers.create',
    method: 'POST',
    path: '/v1/customers',
    parameters,
  },
  ({ world, parameters: given }) => {
    const { store, clock } = world;
    const customer: CustomerBody = {
      id: newIdentifier('cus'),
      object: 'customer',
      address: null,
      balance: 0,
      created: clock.nowSeconds(),
      currency: null,
      customer_account: null,
      default_source: null,
      delinquent: false,
      description: given.description ?? null,
      discount: null,
      email: given.email ?? null,
      invoice_prefix: randomCharacters(8).toUpperCase(),
      invoice_settings: { custom_fields: null, default_payment_method: null, footer: null, rendering_options: null },
      livemode: false,
      metadata: mergeMetadata({}, given.metadata),
      name: given.name ?? null,
      next_invoice_sequence: 1,
      phone: given.phone ?? null,
      preferred_locales: [],
      shipping: null,
      tax_exempt: 'none',
      test_clock: null,
    };
    store.put(store.customers, customer);
    world.publish('customer.created', customer);
    return customer;
  },
);

const updateOperation = operation(
  {
    name: 'customers.update',
    method: 'POST',
    path: '/v1/customers/:id',
    parameters,
  },
  ({ world, id, parameters: given }) => {
    const { store } = world;
    const before = livingCustomer(world, id, 'id');
    const customer: CustomerBody = {
      ...before,
      description: given.description === undefined ? before.description : given.description,
      email: given.email === undefined ? before.email : given.email,
      metadata: mergeMetadata(before.metadata, given.metadata),
      name: given.name === undefined ? (before.name ?? null) : given.name,
      phone: given.phone === undefined ? (before.phone ?? null) : given.phone,
    };
    store.put(store.customers, customer);
    world.publishChange('customer.updated', before, customer);
    return customer;
  },
);

export const customerOperations = [
  createOperation,
  operation(
    {
      name: 'customers.retrieve',
      method: 'GET',
      path: '/v1/customers/:id',
      parameters: {},
    },
    ({ world, id }) => found(world.store.customers, id, 'customer'),
  ),
  updateOperation,
  operation(
    {
      name: 'customers.del',
      method: 'DELETE',
      path: '/v1/customers/:id',
      parameters: {},
    },
    ({ world, id }) => {
      const customer = livingCustomer(world, id, 'id');
      const deleted: Stripe.DeletedCustomer = { id, object: 'customer', deleted: true };
      world.store.put(world.store.customers, deleted);
      world.publish('customer.deleted', customer);
      return deleted;
    },
  ),
  operation(
    {
      name: 'customers.list',
      method: 'GET',
      path: '/v1/customers',
      parameters: { ...pageParameters, ...createdParameter, email: text() },
    },
    ({ world, parameters: given, path }) =>
      pageOf({
        table: world.store.customers,
        page: given,
        url: path,
        kind: 'customer',
        matches: (customer) =>
          !isDeleted(customer) && inRange(customer.created, given.created) && (given.email ?? customer.email) === customer.email,
        view: (customer) => customer,
      }),
  ),
];
