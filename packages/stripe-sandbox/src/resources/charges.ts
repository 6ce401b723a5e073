import type Stripe from 'stripe';
import type { ChargeBody, PaymentIntentBody } from '../bodies.js';
import { newIdentifier } from '../identifiers.js';
import { operation } from '../operation.js';
import { createdParameter, inRange, pageOf, pageParameters } from '../pagination.js';
import { text } from '../parameters.js';
import type { CardDecline } from '../test-cards.js';
import type { World } from '../world.js';
import { found } from './found.js';

export interface Payer {
  email: string | null;
  name: string | null;
}

/** The failure fields of a charge. */
export interface ChargeFailure {
  code: string;
  declineCode: string | null;
  message: string;
}

export function failureOf(decline: CardDecline): ChargeFailure {
  return { code: decline.code, declineCode: decline.declineCode, message: decline.message };
}

const outcomes: Record<'succeeded' | 'pending', Stripe.Charge.Outcome> = {
  succeeded: outcome({ network_status: 'approved_by_network', seller_message: 'Payment complete.', type: 'authorized' }),
  pending: outcome({ network_status: 'approved_by_network', seller_message: 'Payment in progress.', type: 'authorized' }),
};

function outcome(
  given: Partial<Stripe.Charge.Outcome> & Pick<Stripe.Charge.Outcome, 'network_status' | 'seller_message' | 'type'>,
): Stripe.Charge.Outcome {
  return {
    advice_code: null,
    network_advice_code: null,
    network_decline_code: null,
    reason: null,
    risk_level: 'normal',
    risk_score: 20,
    ...given,
  };
}

function failedOutcome(failure: ChargeFailure): Stripe.Charge.Outcome {
  return outcome({
    network_status: 'declined_by_network',
    reason: failure.declineCode ?? failure.code,
    seller_message: `The bank returned the decline code \`${failure.declineCode ?? failure.code}\`.`,
    type: 'issuer_declined',
  });
}

/** A charge of a payment intent's whole amount. Its balance transaction is recorded separately. */
export function newCharge(
  world: World,
  intent: PaymentIntentBody,
  given: {
    status: ChargeBody['status'];
    details: Stripe.Charge.PaymentMethodDetails;
    payer: Payer;
    paymentMethod: string;
    failure?: ChargeFailure;
  },
): ChargeBody {
  const { status, failure } = given;
  const succeeded = status === 'succeeded';
  return {
    id: newIdentifier(given.details.type === 'card' ? 'ch' : 'py'),
    object: 'charge',
    amount: intent.amount,
    amount_captured: succeeded ? intent.amount : 0,
    amount_refunded: 0,
    application: null,
    application_fee: null,
    application_fee_amount: null,
    balance_transaction: null,
    billing_details: { address: null, email: given.payer.email, name: given.payer.name, phone: null, tax_id: null },
    calculated_statement_descriptor: 'BOXOFFICE SANDBOX',
    captured: succeeded,
    created: world.clock.nowSeconds(),
    currency: intent.currency,
    customer: intent.customer,
    description: intent.description,
    disputed: false,
    failure_balance_transaction: null,
    failure_code: failure?.code ?? null,
    failure_message: failure?.message ?? null,
    fraud_details: {},
    livemode: false,
    metadata: intent.metadata,
    on_behalf_of: null,
    outcome: failure === undefined ? outcomes[succeeded ? 'succeeded' : 'pending'] : failedOutcome(failure),
    paid: succeeded,
    payment_intent: intent.id,
    payment_method: given.paymentMethod,
    payment_method_details: given.details,
    receipt_email: intent.receipt_email,
    receipt_number: null,
    receipt_url: null,
    refunded: false,
    review: null,
    shipping: null,
    source: null,
    source_transfer: null,
    statement_descriptor: null,
    statement_descriptor_suffix: null,
    status,
    transfer_data: null,
    transfer_group: null,
  };
}

export const chargeOperations = [
  operation(
    {
      name: 'charges.retrieve',
      method: 'GET',
      path: '/v1/charges/:id',
      parameters: {},
    },
    ({ world, id }) => found(world.store.charges, id, 'charge'),
  ),
  operation(
    {
      name: 'charges.list',
      method: 'GET',
      path: '/v1/charges',
      parameters: { ...pageParameters, ...createdParameter, customer: text(), payment_intent: text() },
    },
    ({ world, parameters, path }) =>
      pageOf({
        table: world.store.charges,
        page: parameters,
        url: path,
        kind: 'charge',
        where:
          parameters.payment_intent === undefined ? undefined : { column: 'payment_intent', value: parameters.payment_intent },
        matches: (charge) =>
          inRange(charge.created, parameters.created) && (parameters.customer ?? charge.customer) === charge.customer,
        view: (charge) => charge,
      }),
  ),
];
