import type Stripe from 'stripe';
import type { BalanceTransactionBody, ChargeBody, DisputeBody } from './bodies.js';
import { newIdentifier } from './identifiers.js';
import { recordMovement } from './resources/balance-transactions.js';
import { found } from './resources/found.js';
import { refused } from './stripe-error.js';
import type { World } from './world.js';

const REASONS = [
  'credit_not_processed',
  'duplicate',
  'fraudulent',
  'general',
  'product_not_received',
  'product_unacceptable',
  'subscription_canceled',
  'unrecognized',
] as const;
export type DisputeReason = (typeof REASONS)[number];

export function isDisputeReason(value: string): value is DisputeReason {
  return REASONS.some((reason) => reason === value);
}

export interface NewDispute {
  charge: ChargeBody;
  /** In minor units; defaults to everything that has not been refunded. */
  amount: number | undefined;
  reason: DisputeReason;
  /** A chargeback withdraws the money immediately; an inquiry withdraws nothing. */
  kind: 'chargeback' | 'inquiry';
}

/** Stripe's dispute fee, which is not refunded if the dispute is won: https://support.stripe.com/questions/dispute-fees */
const DISPUTE_FEE_MINOR_UNITS = 1_500;
const RESPONSE_DAYS = 7;
const DAY_SECONDS = 24 * 60 * 60;

/** Opens a dispute of a charge. @throws invalid_request_error if it is already disputed, or if the amount is more than was paid */
export function openDispute(world: World, given: NewDispute): DisputeBody {
  const { store } = world;
  const { charge } = given;
  if (charge.status !== 'succeeded') throw refused(`Charge ${charge.id} was not paid and cannot be disputed.`);
  const under = store.disputes.rowsWhere('charge', charge.id).filter((dispute) => !isClosed(dispute));
  if (under.length > 0 || charge.disputed) throw refused(`Charge ${charge.id} is already disputed.`);
  const dispute = newDispute(world, given, disputableAmount(charge, given.amount));
  store.put(store.disputes, dispute);
  world.publish('charge.dispute.created', dispute);
  return given.kind === 'inquiry' ? dispute : withdraw(world, charge, dispute);
}

/**
 * Turns an inquiry into a chargeback of the rest of the charge or of another amount, and withdraws the money.
 *
 * @throws invalid_request_error if it is not an open inquiry, or if less than that amount is left
 */
export function escalateDispute(world: World, id: string, asked: number | undefined): DisputeBody {
  const { store } = world;
  const before = found(store.disputes, id, 'dispute');
  if (!before.status.startsWith('warning_') || isClosed(before)) {
    throw refused(`Only an open inquiry can become a chargeback: it has the status ${before.status}.`);
  }
  const charge = found(store.charges, before.charge, 'charge');
  const amount = disputableAmount(charge, asked);
  const escalated: DisputeBody = { ...before, amount, status: 'needs_response', is_charge_refundable: false };
  const card = before.payment_method_details?.card;
  if (card) escalated.payment_method_details = { type: 'card', card: { ...card, case_type: 'chargeback' } };
  store.put(store.disputes, escalated);
  world.publishChange('charge.dispute.updated', before, escalated);
  return withdraw(world, charge, escalated);
}

function disputableAmount(charge: ChargeBody, asked: number | undefined): number {
  const left = charge.amount_captured - charge.amount_refunded;
  const amount = asked ?? left;
  if (amount >= 1 && amount <= left) return amount;
  throw refused(`Between 1 and ${left} of charge ${charge.id} can be disputed.`, { param: 'amount' });
}

function withdraw(world: World, charge: ChargeBody, dispute: DisputeBody): DisputeBody {
  const { store } = world;
  const marked: ChargeBody = { ...charge, disputed: true };
  store.put(store.charges, marked);
  world.publishChange('charge.updated', charge, marked);
  return moveFunds(world, dispute, 'charge.dispute.funds_withdrawn');
}

/**
 * Closes a dispute. If it is won, withdrawn money is returned; if it is lost, the money stays withdrawn. An inquiry is only closed.
 *
 * @throws invalid_request_error if the dispute is already closed
 */
export function closeDispute(world: World, id: string, outcome: 'won' | 'lost'): DisputeBody {
  const { store } = world;
  const before = found(store.disputes, id, 'dispute');
  if (isClosed(before)) throw refused(`This dispute is already closed: it has the status ${before.status}.`);
  const inquiry = before.status.startsWith('warning_');
  const decided: DisputeBody = { ...before, status: inquiry ? 'warning_closed' : outcome };
  store.put(store.disputes, decided);
  world.publishChange('charge.dispute.updated', before, decided);
  const settled = !inquiry && outcome === 'won' ? moveFunds(world, decided, 'charge.dispute.funds_reinstated') : decided;
  world.publishChange('charge.dispute.closed', before, settled);
  return settled;
}

function moveFunds(
  world: World,
  before: DisputeBody,
  event: 'charge.dispute.funds_withdrawn' | 'charge.dispute.funds_reinstated',
): DisputeBody {
  const withdrawn = event === 'charge.dispute.funds_withdrawn';
  const movement: BalanceTransactionBody = recordMovement(world, {
    amount: withdrawn ? -before.amount : before.amount,
    currency: before.currency,
    description: `Chargeback ${withdrawn ? 'withdrawal' : 'reversal'} for ${before.charge}`,
    feeMinorUnits: withdrawn ? DISPUTE_FEE_MINOR_UNITS : 0,
    reportingCategory: withdrawn ? 'dispute' : 'dispute_reversal',
    source: before.id,
    type: 'adjustment',
  });
  const after: DisputeBody = { ...before, balance_transactions: [...before.balance_transactions, movement] };
  world.store.put(world.store.disputes, after);
  world.publish(event, after);
  return after;
}

function isClosed(dispute: DisputeBody): boolean {
  return dispute.status === 'won' || dispute.status === 'lost' || dispute.status === 'warning_closed';
}

function newDispute(world: World, given: NewDispute, amount: number): DisputeBody {
  const { charge, reason, kind } = given;
  const created = world.clock.nowSeconds();
  const dispute: DisputeBody = {
    id: newIdentifier('du'),
    object: 'dispute',
    amount,
    balance_transactions: [],
    charge: charge.id,
    created,
    currency: charge.currency,
    enhanced_eligibility_types: [],
    evidence: noEvidence,
    evidence_details: {
      due_by: created + RESPONSE_DAYS * DAY_SECONDS,
      enhanced_eligibility: {},
      has_evidence: false,
      past_due: false,
      submission_count: 0,
      submission_method: 'not_submitted',
    },
    intended_submission_method: null,
    is_charge_refundable: kind === 'inquiry',
    livemode: false,
    metadata: {},
    payment_intent: charge.payment_intent,
    reason,
    status: kind === 'inquiry' ? 'warning_needs_response' : 'needs_response',
  };
  const card = charge.payment_method_details?.card;
  if (card !== undefined) {
    const brand = card.brand ?? 'visa';
    dispute.payment_method_details = {
      type: 'card',
      card: {
        brand,
        case_type: kind,
        network: card.network ?? brand,
        network_reason_code: reason === 'fraudulent' ? '10.4' : '13.1',
      },
    };
  }
  return dispute;
}

const noEvidence: Stripe.Dispute.Evidence = {
  access_activity_log: null,
  billing_address: null,
  cancellation_policy: null,
  cancellation_policy_disclosure: null,
  cancellation_rebuttal: null,
  customer_communication: null,
  customer_email_address: null,
  customer_name: null,
  customer_purchase_ip: null,
  customer_signature: null,
  duplicate_charge_documentation: null,
  duplicate_charge_explanation: null,
  duplicate_charge_id: null,
  enhanced_evidence: {},
  product_description: null,
  receipt: null,
  refund_policy: null,
  refund_policy_disclosure: null,
  refund_refusal_explanation: null,
  service_date: null,
  service_documentation: null,
  shipping_address: null,
  shipping_carrier: null,
  shipping_date: null,
  shipping_documentation: null,
  shipping_tracking_number: null,
  uncategorized_file: null,
  uncategorized_text: null,
};
