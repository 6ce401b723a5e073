import type { PaymentIntentBody, SessionBody } from '../bodies.js';
import { newIdentifier, randomCharacters } from '../identifiers.js';
import { mergeMetadata, metadata } from '../metadata.js';
import { operation } from '../operation.js';
import { createdParameter, inRange, pageOf, pageParameters } from '../pagination.js';
import { choice, text } from '../parameters.js';
import { refused } from '../stripe-error.js';
import type { World } from '../world.js';
import { found } from './found.js';

/** The payment intent settings of a session. */
export interface PaymentIntentData {
  metadata: Record<string, string>;
  description: string | null;
  receiptEmail: string | null;
}

/** Creates the payment intent of a session, which Stripe does at the first payment attempt. */
export function createPaymentIntent(world: World, session: SessionBody, data: PaymentIntentData): PaymentIntentBody {
  const { store, clock } = world;
  const id = newIdentifier('pi');
  const intent: PaymentIntentBody = {
    id,
    object: 'payment_intent',
    allowed_payment_method_types: null,
    amount: session.amount_total,
    amount_capturable: 0,
    amount_details: { tip: {} },
    amount_received: 0,
    application: null,
    application_fee_amount: null,
    automatic_payment_methods: { allow_redirects: 'always', enabled: true },
    canceled_at: null,
    cancellation_reason: null,
    capture_method: 'automatic_async',
    client_secret: `${id}_secret_${randomCharacters(25)}`,
    confirmation_method: 'automatic',
    created: clock.nowSeconds(),
    currency: session.currency,
    customer: session.customer,
    customer_account: null,
    description: data.description,
    excluded_payment_method_types: null,
    last_payment_error: null,
    latest_charge: null,
    livemode: false,
    managed_payments: null,
    metadata: data.metadata,
    next_action: null,
    on_behalf_of: null,
    payment_method: null,
    payment_method_configuration_details: null,
    payment_method_options: {},
    payment_method_types: session.payment_method_types,
    payment_record: null,
    processing: null,
    receipt_email: data.receiptEmail,
    review: null,
    setup_future_usage: null,
    shipping: null,
    source: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status: 'requires_payment_method',
    transfer_data: null,
    transfer_group: null,
  };
  store.put(store.paymentIntents, intent);
  world.publish('payment_intent.created', intent);
  return intent;
}

/** Cancels a payment intent that has not been paid. */
export function cancelPaymentIntent(
  world: World,
  before: PaymentIntentBody,
  reason: PaymentIntentBody['cancellation_reason'],
): PaymentIntentBody {
  const { store, clock } = world;
  const intent: PaymentIntentBody = {
    ...before,
    status: 'canceled',
    canceled_at: clock.nowSeconds(),
    cancellation_reason: reason,
  };
  store.put(store.paymentIntents, intent);
  world.publish('payment_intent.canceled', intent);
  return intent;
}

const cancelOperation = operation(
  {
    name: 'paymentIntents.cancel',
    method: 'POST',
    path: '/v1/payment_intents/:id/cancel',
    parameters: { cancellation_reason: choice(['abandoned', 'duplicate', 'fraudulent', 'requested_by_customer']) },
  },
  ({ world, id, parameters }) => {
    const intent = found(world.store.paymentIntents, id, 'payment_intent');
    if (world.store.sessions.rowsWhere('payment_intent', id).some((session) => session.status === 'open')) {
      const message =
        'You cannot cancel this PaymentIntent: it belongs to a Checkout Session that is open. Expire the session instead.';
      throw refused(message, { code: 'payment_intent_unexpected_state', param: 'intent' });
    }
    if (intent.status === 'requires_payment_method') {
      return cancelPaymentIntent(world, intent, parameters.cancellation_reason ?? null);
    }
    throw refused(`You cannot cancel this PaymentIntent because it has a status of ${intent.status}.`, {
      code: 'payment_intent_unexpected_state',
      param: 'intent',
    });
  },
);

export const paymentIntentOperations = [
  operation(
    {
      name: 'paymentIntents.retrieve',
      method: 'GET',
      path: '/v1/payment_intents/:id',
      parameters: {},
    },
    ({ world, id }) => found(world.store.paymentIntents, id, 'payment_intent'),
  ),
  operation(
    {
      name: 'paymentIntents.update',
      method: 'POST',
      path: '/v1/payment_intents/:id',
      parameters: { metadata: metadata() },
    },
    ({ world, id, parameters }) => {
      const before = found(world.store.paymentIntents, id, 'payment_intent');
      const after: PaymentIntentBody = { ...before, metadata: mergeMetadata(before.metadata, parameters.metadata) };
      return world.store.put(world.store.paymentIntents, after);
    },
  ),
  cancelOperation,
  operation(
    {
      name: 'paymentIntents.list',
      method: 'GET',
      path: '/v1/payment_intents',
      parameters: { ...pageParameters, ...createdParameter, customer: text() },
    },
    ({ world, parameters, path }) =>
      pageOf({
        table: world.store.paymentIntents,
        page: parameters,
        url: path,
        kind: 'payment_intent',
        where: parameters.customer === undefined ? undefined : { column: 'customer', value: parameters.customer },
        matches: (intent) => inRange(intent.created, parameters.created),
        view: (intent) => intent,
      }),
  ),
];
