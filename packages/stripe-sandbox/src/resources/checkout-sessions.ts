import type { SessionBody } from '../bodies.js';
import { mergeMetadata, metadata } from '../metadata.js';
import { operation } from '../operation.js';
import { createdParameter, inRange, pageOf, pageParameters } from '../pagination.js';
import { choice, integer, objectOf, required, text, truth, webAddress } from '../parameters.js';
import { invalidRequest, refused } from '../stripe-error.js';
import type { World } from '../world.js';
import { livingCustomer } from './customers.js';
import { found } from './found.js';
import { buildSession } from './new-session.js';
import { cancelPaymentIntent } from './payment-intents.js';
import { buildLineItems, lineItemsParameter, sumOfItems } from './session-items.js';

const createOperation = operation(
  {
    name: 'checkout.sessions.create',
    method: 'POST',
    path: '/v1/checkout/sessions',
    parameters: {
      adaptive_pricing: objectOf({ enabled: truth() }),
      automatic_tax: objectOf({ enabled: truth() }),
      cancel_url: webAddress(),
      client_reference_id: text({ maximumLength: 200 }),
      customer: text(),
      customer_creation: choice(['always', 'if_required']),
      customer_email: text({ maximumLength: 800 }),
      expires_at: integer({ minimum: 0 }),
      line_items: lineItemsParameter,
      locale: text(),
      metadata: metadata(),
      mode: required(choice(['payment'])),
      payment_intent_data: objectOf({
        description: text({ maximumLength: 1_000 }),
        metadata: metadata(),
        receipt_email: text(),
        statement_descriptor: text({ maximumLength: 22 }),
        statement_descriptor_suffix: text({ maximumLength: 22 }),
      }),
      submit_type: choice(['auto', 'book', 'donate', 'pay']),
      success_url: required(webAddress()),
      ui_mode: choice(['hosted_page']),
    },
  },
  ({ world, parameters }) => {
    const { store } = world;
    if (parameters.customer !== undefined && parameters.customer_email !== undefined) {
      throw invalidRequest('You may only specify one of these parameters: customer, customer_email.', { param: 'customer' });
    }
    if (parameters.customer !== undefined) livingCustomer(world, parameters.customer, 'customer');
    const items = buildLineItems(world, parameters.line_items);
    const session = buildSession(world, {
      cancelUrl: parameters.cancel_url ?? null,
      clientReferenceId: parameters.client_reference_id ?? null,
      customer: parameters.customer ?? null,
      customerEmail: parameters.customer_email ?? null,
      customerCreation: parameters.customer === undefined ? (parameters.customer_creation ?? 'if_required') : null,
      expiresAt: parameters.expires_at,
      items,
      locale: parameters.locale ?? null,
      metadata: mergeMetadata({}, parameters.metadata),
      submitType: parameters.submit_type ?? null,
      successUrl: parameters.success_url,
      total: sumOfItems(items),
    });
    store.put(store.sessions, session);
    for (const item of items) store.put(store.lineItems, { id: item.id, session: session.id, item });
    store.put(store.intentData, {
      id: session.id,
      metadata: mergeMetadata({}, parameters.payment_intent_data?.metadata),
      description: parameters.payment_intent_data?.description ?? null,
      receiptEmail: parameters.payment_intent_data?.receipt_email ?? null,
    });
    return session;
  },
);

/** Returns the session after expiring it if it is due by the sandbox's clock. */
export function expireWhenDue(world: World, session: SessionBody): SessionBody {
  if (session.status !== 'open' || session.expires_at > world.clock.nowSeconds()) return session;
  return expireSession(world, session);
}

/** Expires every open session that is due. */
export function expireAllDue(world: World): void {
  for (const session of world.store.sessions.rowsWhere('status', 'open')) expireWhenDue(world, session);
}

function expireSession(world: World, session: SessionBody): SessionBody {
  const { store } = world;
  const expired: SessionBody = { ...session, status: 'expired', url: null };
  store.put(store.sessions, expired);
  const intent = session.payment_intent === null ? undefined : store.paymentIntents.get(session.payment_intent);
  if (intent?.status === 'requires_payment_method') cancelPaymentIntent(world, intent, 'automatic');
  world.publish('checkout.session.expired', expired);
  return expired;
}

const listOperation = operation(
  {
    name: 'checkout.sessions.list',
    method: 'GET',
    path: '/v1/checkout/sessions',
    parameters: {
      ...pageParameters,
      ...createdParameter,
      customer: text(),
      payment_intent: text(),
      status: choice(['open', 'complete', 'expired']),
    },
  },
  ({ world, parameters, path }) => {
    expireAllDue(world);
    const { customer, payment_intent: intent, status } = parameters;
    return pageOf({
      table: world.store.sessions,
      page: parameters,
      url: path,
      kind: 'checkout.session',
      where:
        intent !== undefined
          ? { column: 'payment_intent', value: intent }
          : customer === undefined
            ? undefined
            : { column: 'customer', value: customer },
      matches: (session) =>
        inRange(session.created, parameters.created) &&
        (customer ?? session.customer) === session.customer &&
        (status ?? session.status) === session.status,
      view: (session) => session,
    });
  },
);

const expireOperation = operation(
  {
    name: 'checkout.sessions.expire',
    method: 'POST',
    path: '/v1/checkout/sessions/:id/expire',
    parameters: {},
  },
  ({ world, id }) => {
    const session = expireWhenDue(world, found(world.store.sessions, id, 'checkout.session'));
    if (session.status === 'open') return expireSession(world, session);
    throw refused(
      `Only Checkout Sessions with a status in ["open"] can be expired. This Checkout Session has a status of ${session.status}.`,
    );
  },
);

export const checkoutSessionOperations = [
  createOperation,
  listOperation,
  operation(
    {
      name: 'checkout.sessions.retrieve',
      method: 'GET',
      path: '/v1/checkout/sessions/:id',
      parameters: {},
    },
    ({ world, id }) => expireWhenDue(world, found(world.store.sessions, id, 'checkout.session')),
  ),
  operation(
    {
      name: 'checkout.sessions.update',
      method: 'POST',
      path: '/v1/checkout/sessions/:id',
      parameters: { metadata: metadata() },
    },
    ({ world, id, parameters }) => {
      const session = expireWhenDue(world, found(world.store.sessions, id, 'checkout.session'));
      const updated: SessionBody = { ...session, metadata: mergeMetadata(session.metadata, parameters.metadata) };
      return world.store.put(world.store.sessions, updated);
    },
  ),
  expireOperation,
  operation(
    {
      name: 'checkout.sessions.listLineItems',
      method: 'GET',
      path: '/v1/checkout/sessions/:id/line_items',
      parameters: pageParameters,
    },
    ({ world, id, parameters, path }) => {
      const session = found(world.store.sessions, id, 'checkout.session');
      return pageOf({
        table: world.store.lineItems,
        page: parameters,
        url: path,
        kind: 'item',
        where: { column: 'session', value: session.id },
        order: 'oldest_first',
        view: (row) => row.item,
      });
    },
  ),
];
