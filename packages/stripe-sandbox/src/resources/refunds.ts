import type { ChargeBody, RefundBody } from '../bodies.js';
import { MAX_AMOUNT_MINOR_UNITS } from '../limits.js';
import { mergeMetadata, metadata } from '../metadata.js';
import { operation } from '../operation.js';
import { createdParameter, inRange, pageOf, pageParameters } from '../pagination.js';
import { choice, integer, text, unsettable } from '../parameters.js';
import { createRefund } from '../refund-charge.js';
import { invalidRequest, refused } from '../stripe-error.js';
import type { World } from '../world.js';
import { found } from './found.js';

const refundReasons = ['duplicate', 'fraudulent', 'requested_by_customer'] as const;

/** Finds the charge to refund, by its id or by its payment intent. */
export function chargeToRefund(world: World, chargeId: string | undefined, intentId: string | undefined): ChargeBody {
  const { store } = world;
  if (chargeId !== undefined && intentId === undefined) return found(store.charges, chargeId, 'charge', 'charge');
  if (intentId === undefined) {
    throw invalidRequest('One of the following params should be provided for this request: payment_intent or charge.', {
      code: 'parameter_missing',
    });
  }
  const intent = found(store.paymentIntents, intentId, 'payment_intent', 'payment_intent');
  const charge = intent.latest_charge === null ? undefined : store.charges.get(intent.latest_charge);
  if (charge?.status !== 'succeeded' || (chargeId !== undefined && chargeId !== charge.id)) {
    throw refused(`This PaymentIntent (${intentId}) does not have a successful charge to refund.`, { param: 'payment_intent' });
  }
  return charge;
}

const createOperation = operation(
  {
    name: 'refunds.create',
    method: 'POST',
    path: '/v1/refunds',
    parameters: {
      amount: integer({ minimum: 1, maximum: MAX_AMOUNT_MINOR_UNITS }),
      charge: text(),
      metadata: metadata(),
      payment_intent: text(),
      reason: unsettable(choice(refundReasons)),
    },
  },
  ({ world, parameters }) =>
    createRefund(world, {
      charge: chargeToRefund(world, parameters.charge, parameters.payment_intent),
      amount: parameters.amount,
      metadata: mergeMetadata({}, parameters.metadata),
      reason: parameters.reason ?? null,
    }),
);

export const refundOperations = [
  createOperation,
  operation(
    {
      name: 'refunds.retrieve',
      method: 'GET',
      path: '/v1/refunds/:id',
      parameters: {},
    },
    ({ world, id }) => found(world.store.refunds, id, 'refund'),
  ),
  operation(
    {
      name: 'refunds.update',
      method: 'POST',
      path: '/v1/refunds/:id',
      parameters: { metadata: metadata() },
    },
    ({ world, id, parameters }) => {
      const before = found(world.store.refunds, id, 'refund');
      const after: RefundBody = { ...before, metadata: mergeMetadata(before.metadata ?? {}, parameters.metadata) };
      world.store.put(world.store.refunds, after);
      world.publishChange('refund.updated', before, after);
      return after;
    },
  ),
  operation(
    {
      name: 'refunds.cancel',
      method: 'POST',
      path: '/v1/refunds/:id/cancel',
      parameters: {},
    },
    ({ world, id }) => {
      const refund = found(world.store.refunds, id, 'refund');
      throw refused(`You can only cancel refunds that have the status requires_action; this one has ${refund.status}.`);
    },
  ),
  operation(
    {
      name: 'refunds.list',
      method: 'GET',
      path: '/v1/refunds',
      parameters: { ...pageParameters, ...createdParameter, charge: text(), payment_intent: text() },
    },
    ({ world, parameters, path }) => {
      const { charge, payment_intent: intent } = parameters;
      return pageOf({
        table: world.store.refunds,
        page: parameters,
        url: path,
        kind: 'refund',
        where:
          intent !== undefined
            ? { column: 'payment_intent', value: intent }
            : charge === undefined
              ? undefined
              : { column: 'charge', value: charge },
        matches: (refund) => inRange(refund.created, parameters.created) && (charge ?? refund.charge) === refund.charge,
        view: (refund) => refund,
      });
    },
  ),
];
