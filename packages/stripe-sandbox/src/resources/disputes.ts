import type { DisputeBody } from '../bodies.js';
import { closeDispute } from '../dispute-charge.js';
import { mergeMetadata, metadata } from '../metadata.js';
import { operation } from '../operation.js';
import { createdParameter, inRange, pageOf, pageParameters } from '../pagination.js';
import { objectOf, text, truth, unsettable } from '../parameters.js';
import { refused } from '../stripe-error.js';
import { found } from './found.js';

const evidence = objectOf({
  access_activity_log: unsettable(text({ maximumLength: 20_000 })),
  customer_email_address: unsettable(text()),
  customer_name: unsettable(text()),
  product_description: unsettable(text({ maximumLength: 20_000 })),
  refund_refusal_explanation: unsettable(text({ maximumLength: 20_000 })),
  service_date: unsettable(text()),
  uncategorized_text: unsettable(text({ maximumLength: 20_000 })),
});

const updateOperation = operation(
  {
    name: 'disputes.update',
    method: 'POST',
    path: '/v1/disputes/:id',
    parameters: { evidence, metadata: metadata(), submit: truth() },
  },
  ({ world, id, parameters }) => {
    const before = found(world.store.disputes, id, 'dispute');
    const open = before.status === 'needs_response' || before.status === 'warning_needs_response';
    const answers = parameters.evidence !== undefined || parameters.submit !== undefined;
    if (answers && !open) throw refused('This dispute no longer accepts evidence.', { param: 'evidence' });
    // Evidence is submitted immediately unless `submit` is false: https://docs.stripe.com/api/disputes/update
    const submitted = parameters.evidence === undefined ? parameters.submit === true : parameters.submit !== false;
    const given = Object.entries(parameters.evidence ?? {}).filter(([, value]) => value !== undefined);
    const after: DisputeBody = {
      ...before,
      evidence: { ...before.evidence, ...Object.fromEntries(given) },
      evidence_details: {
        ...before.evidence_details,
        has_evidence: before.evidence_details.has_evidence || given.length > 0,
        submission_count: before.evidence_details.submission_count + (submitted ? 1 : 0),
        submission_method: submitted ? 'manual' : before.evidence_details.submission_method,
      },
      metadata: mergeMetadata(before.metadata, parameters.metadata),
      status: submitted ? (before.status === 'needs_response' ? 'under_review' : 'warning_under_review') : before.status,
    };
    world.store.put(world.store.disputes, after);
    world.publishChange('charge.dispute.updated', before, after);
    return after;
  },
);

export const disputeOperations = [
  operation({ name: 'disputes.retrieve', method: 'GET', path: '/v1/disputes/:id', parameters: {} }, ({ world, id }) =>
    found(world.store.disputes, id, 'dispute'),
  ),
  updateOperation,
  operation({ name: 'disputes.close', method: 'POST', path: '/v1/disputes/:id/close', parameters: {} }, ({ world, id }) =>
    closeDispute(world, id, 'lost'),
  ),
  operation(
    {
      name: 'disputes.list',
      method: 'GET',
      path: '/v1/disputes',
      parameters: { ...pageParameters, ...createdParameter, charge: text(), payment_intent: text() },
    },
    ({ world, parameters, path }) => {
      const { charge, payment_intent: intent } = parameters;
      return pageOf({
        table: world.store.disputes,
        page: parameters,
        url: path,
        kind: 'dispute',
        where: intent === undefined ? undefined : { column: 'payment_intent', value: intent },
        matches: (dispute) => inRange(dispute.created, parameters.created) && (charge ?? dispute.charge) === dispute.charge,
        view: (dispute) => dispute,
      });
    },
  ),
];
