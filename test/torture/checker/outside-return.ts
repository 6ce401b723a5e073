import type { GrantStatus } from './final-state.js';
import {
  type Change,
  countRefund,
  disputedOf,
  ENDED,
  type Entry,
  forgetRefund,
  leftOf,
  type Model,
  type ModelDispute,
  type ModelGrant,
  type ModelPayment,
} from './model.js';

/** A refund made at Stripe took money (positive) or returned it (negative); or a dispute is now as it says. */
export type OutsideReturn =
  | { readonly orderId: string; readonly refundId: string; readonly taken: number }
  | { readonly orderId: string; readonly disputeId: string; readonly dispute: ModelDispute };

const NO_PAYMENT: ModelPayment = { captured: 0, refunds: new Map(), disputes: new Map() };

/** Rules 7 and 9. */
export function outsideReturn(model: Model, given: OutsideReturn): Change {
  const { orderId } = given;
  const known = model.payments.get(orderId) ?? NO_PAYMENT;
  const before = 'dispute' in given ? known.disputes.get(given.disputeId) : undefined;
  const taken = 'dispute' in given ? given.dispute.taken - (before?.taken ?? 0) : given.taken;
  const isLost = 'dispute' in given && given.dispute.outcome === 'LOST' && before?.outcome !== 'LOST';
  const counted = count(model, known, given);
  const payment = counted.payments.get(orderId) ?? NO_PAYMENT;
  const grant = [...model.grants.values()].find((candidate) => candidate.orderId === orderId) ?? null;
  const disputes = [...payment.disputes.values()];
  const outside = [...payment.refunds.values()].reduce(
    (sum, refund) => sum + (refund.outside ? refund.amount : 0),
    disputedOf(payment),
  );
  // Only a lost dispute keeps what it took.
  const mayReturn = disputes.reduce((sum, dispute) => sum + (dispute.outcome === 'LOST' ? 0 : dispute.taken), 0);
  const isExhausted = leftOf(payment) + mayReturn <= 0;

  const unreturned = grant ? grant.paid - grant.returned : 0;
  const credit = taken > 0 ? Math.max(0, Math.min(taken, unreturned)) : 0;
  const paysAgain = taken < 0 && grant !== null && (!ENDED.has(grant.status) || grant.endedHere);
  const repaid = paysAgain ? Math.max(0, Math.min(-taken, grant.returnedOutside - outside)) : 0;
  const rest = grant && (taken > 0 || isLost) && isExhausted ? unreturned - credit + repaid : 0;

  const entries: Entry[] = [];
  if (credit > 0) entries.push({ posted: credit, counterAccount: 'REVENUE' });
  if (taken !== 0) entries.push({ posted: -taken, counterAccount: 'STRIPE' });
  if (repaid > 0) entries.push({ posted: -repaid, counterAccount: 'REVENUE' });
  if (rest > 0) entries.push({ posted: rest, counterAccount: 'REVENUE' });
  const moved = entries.reduce((sum, { posted = 0 }) => sum + posted, 0);
  const balance = { ...counted, posted: counted.posted + moved, version: counted.version + entries.length };
  if (!grant) return { entries, after: balance };
  const returned = credit - repaid + rest;
  const after: ModelGrant = {
    ...grant,
    status: statusAfter(grant.status, isExhausted && outside > 0, disputes),
    returned: grant.returned + returned,
    returnedOutside: grant.returnedOutside + returned,
  };
  return { entries, after: { ...balance, grants: new Map(balance.grants).set(grant.id, after) } };
}

function count(model: Model, known: ModelPayment, given: OutsideReturn): Model {
  const { orderId } = given;
  if ('dispute' in given) {
    const disputes = new Map(known.disputes).set(given.disputeId, given.dispute);
    return { ...model, payments: new Map(model.payments).set(orderId, { ...known, disputes }) };
  }
  if (given.taken < 0) return forgetRefund(model, orderId, given.refundId);
  return countRefund(model, orderId, given.refundId, { amount: given.taken, outside: true });
}

/** A grant that has ended stays so; one with nothing left of its payment ends; an open dispute suspends it, and its end restores it. */
function statusAfter(before: GrantStatus, isOver: boolean, disputes: readonly ModelDispute[]): GrantStatus {
  if (ENDED.has(before)) return before;
  if (isOver) return disputes.some(({ outcome, taken }) => outcome === 'LOST' && taken > 0) ? 'REVOKED' : 'REFUNDED';
  return disputes.some(({ outcome, movedFunds }) => outcome === 'OPEN' && movedFunds) ? 'SUSPENDED' : 'ACTIVE';
}
