import type { ChargeBody, RefundBody } from './bodies.js';
import { checkAmount } from './currency-rules.js';
import { newIdentifier } from './identifiers.js';
import { moneyText } from './money-text.js';
import { recordMovement } from './resources/balance-transactions.js';
import { found } from './resources/found.js';
import { refused } from './stripe-error.js';
import type { World } from './world.js';

export interface NewRefund {
  charge: ChargeBody;
  /** In minor units; defaults to the rest of the charge. */
  amount: number | undefined;
  metadata: Record<string, string>;
  reason: RefundBody['reason'];
}

const FAILS_LATER_AFTER_SECONDS = 5;

/**
 * Refunds a charge: immediately, or as pending if a fault rule applies. The charge counts the refund from its creation.
 *
 * @throws invalid_request_error: charge_already_refunded, charge_disputed, or an amount larger than the rest of the charge
 */
export function createRefund(world: World, given: NewRefund): RefundBody {
  const { store, clock, faults } = world;
  const { charge } = given;
  const amount = refundableAmount(world, charge, given.amount);
  const pending = faults.take(['refund_pending']) !== null;
  const failsLater = pending ? null : faults.take(['refund_fails_later']);
  const id = newIdentifier('re');
  const card = charge.payment_method_details?.type === 'card';
  const movement = recordMovement(world, {
    amount: -amount,
    currency: charge.currency,
    description: `REFUND FOR CHARGE (${charge.id})`,
    feeMinorUnits: 0,
    reportingCategory: 'refund',
    source: id,
    type: card ? 'refund' : 'payment_refund',
  });
  const refund: RefundBody = {
    id,
    object: 'refund',
    amount,
    balance_transaction: movement.id,
    charge: charge.id,
    created: clock.nowSeconds(),
    currency: charge.currency,
    customer: charge.customer,
    customer_account: null,
    destination_details: card
      ? { card: { reference_status: 'pending', reference_type: 'acquirer_reference_number', type: 'refund' }, type: 'card' }
      : { type: charge.payment_method_details?.type ?? 'us_bank_account' },
    metadata: given.metadata,
    payment_intent: charge.payment_intent,
    payment_method: charge.payment_method,
    reason: given.reason,
    receipt_number: null,
    source_transfer_reversal: null,
    status: pending ? 'pending' : 'succeeded',
    transfer_reversal: null,
  };
  if (pending) refund.pending_reason = 'processing';
  store.put(store.refunds, refund);
  world.publish('refund.created', refund);
  countRefunded(world, charge, amount, 'charge.refunded');
  if (failsLater !== null) {
    const dueAt = clock.nowSeconds() + (failsLater.afterSeconds ?? FAILS_LATER_AFTER_SECONDS);
    store.put(store.scheduled, { id, kind: 'refund', outcome: 'failed', dueAt });
  }
  return refund;
}

function refundableAmount(world: World, charge: ChargeBody, asked: number | undefined): number {
  if (charge.status !== 'succeeded') {
    throw refused(`Charge ${charge.id} has a status of ${charge.status} and cannot be refunded.`, { param: 'charge' });
  }
  const left = charge.amount_captured - charge.amount_refunded;
  if (left === 0) throw refused(`Charge ${charge.id} has already been refunded.`, { code: 'charge_already_refunded' });
  const disputes = world.store.disputes.rowsWhere('charge', charge.id);
  if (disputes.some((dispute) => !dispute.is_charge_refundable && dispute.status !== 'won')) {
    throw refused(`Charge ${charge.id} has been charged back; cannot issue a refund.`, { code: 'charge_disputed' });
  }
  const amount = asked ?? left;
  if (asked !== undefined) checkAmount(asked, charge.currency, 'amount');
  if (amount <= left) return amount;
  const shown = [moneyText(amount, charge.currency), moneyText(left, charge.currency)];
  throw refused(`Refund amount (${shown[0]}) is greater than unrefunded amount on charge (${shown[1]})`, { param: 'amount' });
}

/** Makes a pending refund succeed. @throws invalid_request_error if it is not pending */
export function succeedRefund(world: World, id: string): RefundBody {
  const before = found(world.store.refunds, id, 'refund');
  if (before.status !== 'pending') throw refused(`This refund is not pending: it has the status ${before.status}.`);
  const { pending_reason: _pendingReason, ...rest } = before;
  const refund: RefundBody = { ...rest, status: 'succeeded' };
  world.store.put(world.store.refunds, refund);
  world.publishChange('refund.updated', before, refund);
  world.publishChange('charge.refund.updated', before, refund);
  return refund;
}

/**
 * Makes a pending or succeeded refund fail: the money returns to the account, and the charge no longer counts the refund.
 *
 * @throws invalid_request_error if it has already failed or was canceled
 */
export function failRefund(world: World, id: string, reason: string): RefundBody {
  const { store } = world;
  const before = found(store.refunds, id, 'refund');
  if (before.status !== 'pending' && before.status !== 'succeeded') {
    throw refused(`This refund cannot fail: it has the status ${before.status}.`);
  }
  store.remove(store.scheduled, id);
  const charge = found(store.charges, before.charge, 'charge');
  const card = charge.payment_method_details?.type === 'card';
  const movement = recordMovement(world, {
    amount: before.amount,
    currency: before.currency,
    description: `REFUND FAILURE (${id})`,
    feeMinorUnits: 0,
    reportingCategory: 'refund_failure',
    source: id,
    type: card ? 'refund_failure' : 'payment_failure_refund',
  });
  const { pending_reason: _pendingReason, ...rest } = before;
  const refund: RefundBody = {
    ...rest,
    status: 'failed',
    failure_reason: reason,
    failure_balance_transaction: movement.id,
  };
  store.put(store.refunds, refund);
  world.publishChange('refund.updated', before, refund);
  world.publish('refund.failed', refund);
  world.publishChange('charge.refund.updated', before, refund);
  countRefunded(world, charge, -before.amount, 'charge.updated');
  return refund;
}

function countRefunded(world: World, charge: ChargeBody, change: number, event: 'charge.refunded' | 'charge.updated'): void {
  const amountRefunded = charge.amount_refunded + change;
  const after: ChargeBody = {
    ...charge,
    amount_refunded: amountRefunded,
    refunded: amountRefunded === charge.amount_captured,
  };
  world.store.put(world.store.charges, after);
  world.publishChange(event, charge, after);
}
