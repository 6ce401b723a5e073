import type { Operation, RefusalData, StripeAct } from './history.js';
import { availableOf, ENDED, leftOf, type Model, refundShare } from './model.js';
import type { Timeline } from './timeline.js';

/** Whether the rules refuse the operation in this state with this error. */
export function explainsRefusal(timeline: Timeline, operation: Operation, model: Model, acts: readonly StripeAct[]): boolean {
  const error = operation.answer?.error;
  if (!error) return false;
  // Stripe had a fault; the operation may be tried again.
  if (error.code === 'PAYMENT_PROVIDER_UNAVAILABLE') return true;
  if (error.code === 'IDEMPOTENCY_CONFLICT') return hasOtherInput(timeline, operation);
  switch (operation.action) {
    case 'purchase':
      return explainsPurchase(timeline, operation, error, model);
    case 'adjustBalance':
      return error.code === 'INSUFFICIENT_FUNDS' && -(operation.input.amount ?? 0) - availableOf(model) === error.shortfall;
    case 'refundGrant':
      return explainsGrantRefund(timeline, operation, error, model, acts);
    case 'refundTransaction':
      return explainsTopUpRefund(timeline, operation, error, model, acts);
    case 'revokeGrant': {
      const grant = model.grants.get(operation.input.grantId ?? '');
      return error.code === 'WRONG_STATE' && !!grant && ENDED.has(grant.status) && grant.status === error.state;
    }
    case 'cancelOrder':
      return error.code === 'WRONG_STATE' && error.state !== 'OPEN';
    default:
      return false;
  }
}

/** Another call used the key with a different input before this one was answered. */
function hasOtherInput({ operations }: Timeline, operation: Operation): boolean {
  const inputOf = ({ action, input }: Operation) => JSON.stringify([action, input]);
  return operations.some(
    (other) =>
      other.caller === operation.caller &&
      other.input.idempotencyKey === operation.input.idempotencyKey &&
      other.atMs < (operation.answer?.atMs ?? 0) &&
      inputOf(other) !== inputOf(operation),
  );
}

function explainsPurchase({ rows }: Timeline, { input }: Operation, error: RefusalData, model: Model): boolean {
  const plan = [...rows.plans.values()].find(({ subscriptionId }) => subscriptionId === input.subscriptionId);
  if (!plan) return false;
  if (input.payWith === 'BALANCE')
    return error.code === 'INSUFFICIENT_FUNDS' && plan.price - availableOf(model) === error.shortfall;
  // While a bank decides about an earlier payment for the plan. An order that is closed each time it is opened is CANCELLED.
  return error.code === 'WRONG_STATE' && (error.state === 'PROCESSING' || error.state === 'CANCELLED');
}

function explainsGrantRefund(
  { rows }: Timeline,
  operation: Operation,
  error: RefusalData,
  model: Model,
  acts: readonly StripeAct[],
): boolean {
  const { grantId = '', destination } = operation.input;
  const grant = model.grants.get(grantId);
  if (!grant) return false;
  const payment = grant.orderId === null ? undefined : model.payments.get(grant.orderId);
  const share = refundShare(grant, rows.grants.get(grantId)?.fromMs ?? 0);
  if (error.code === 'INSUFFICIENT_FUNDS') return availableOf(model) < 0 && -availableOf(model) === error.shortfall;
  if (error.code !== 'NOT_REFUNDABLE') return false;
  switch (error.reason) {
    case 'GIFT':
      return grant.paidWith === 'GIFT';
    case 'FREE':
      return grant.paid === 0;
    case 'DISPUTED':
      return (
        grant.status === 'SUSPENDED' ||
        (destination === 'CARD' && isDisputed(operation, acts, rows.orders.get(grant.orderId ?? '')?.paymentId))
      );
    case 'GRANT_ENDED':
      return ENDED.has(grant.status);
    case 'NOT_A_CARD_PAYMENT':
      return destination === 'CARD' && grant.paidWith !== 'CARD';
    case 'ALREADY_REFUNDED':
      return grant.paid - grant.returned <= 0 || (destination === 'CARD' && !!payment && leftOf(payment) < share);
    case 'NO_UNUSED_DAYS':
      return share === 0;
    default:
      return false;
  }
}

function explainsTopUpRefund(
  { rows }: Timeline,
  operation: Operation,
  error: RefusalData,
  model: Model,
  acts: readonly StripeAct[],
): boolean {
  const orderId = rows.transactions.get(operation.input.transactionId ?? '')?.orderId ?? '';
  const payment = model.payments.get(orderId);
  if (!payment) return false;
  const { amount } = operation.input;
  const left = leftOf(payment);
  const available = availableOf(model);
  if (error.code === 'INSUFFICIENT_FUNDS')
    return Math.max(amount ?? Math.min(left, available), 1) - available === error.shortfall;
  if (error.code === 'AMOUNT_OUT_OF_BOUNDS') return amount !== undefined && amount > left;
  if (error.code !== 'NOT_REFUNDABLE') return false;
  const grant = [...model.grants.values()].find((candidate) => candidate.orderId === orderId);
  if (error.reason === 'NOT_A_CARD_PAYMENT') return !!grant && !ENDED.has(grant.status);
  if (error.reason === 'DISPUTED') return isDisputed(operation, acts, rows.orders.get(orderId)?.paymentId);
  return error.reason === 'ALREADY_REFUNDED' && left < 1;
}

/** A dispute of the payment had been opened before the answer: the journal does not show one that moved no money of the balance. */
const isDisputed = ({ answer }: Operation, acts: readonly StripeAct[], paymentId: string | null | undefined): boolean =>
  acts.some(({ act, subject, atMs }) => act === 'dispute' && subject === paymentId && atMs < (answer?.atMs ?? 0));
