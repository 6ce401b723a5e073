import { groupBy } from './account-rows.js';
import type { KeyRow, OrderRow } from './final-state.js';
import type { Finding } from './findings.js';
import type { Operation } from './history.js';
import { effectsOf, type Timeline } from './timeline.js';

/**
 * Every acknowledged change is there; every change was asked for, and happened once; and every call with a key got the same references
 * and the same balance.
 */
export function checkKeys(timeline: Timeline): Finding[] {
  return [...checkAcknowledged(timeline), ...checkExplained(timeline), ...checkRepeated(timeline)];
}

function checkAcknowledged({ rows, operations, recordOf }: Timeline): Finding[] {
  const findings: Finding[] = [];
  for (const operation of operations) {
    if (operation.answer?.outcome !== 'OK') continue;
    const record = recordOf(operation);
    const missing = missingOf(operation, record, rows);
    if (!missing) continue;
    const message = `${operation.action} was acknowledged, but ${missing}.`;
    findings.push({ class: 'ACKNOWLEDGED_CHANGE_LOST', viewer: rows.viewer, message, operations: [operation.id] });
  }
  return findings;
}

/** What an acknowledged operation has left no trace of; null when all is there. */
function missingOf(operation: Operation, record: KeyRow | null, rows: Timeline['rows']): string | null {
  const { action, answer, input } = operation;
  const { grant, order, refund, transaction } = answer?.data ?? {};
  if (grant && !rows.grants.has(grant.id)) return `grant ${grant.id} is not there`;
  if (order && !rows.orders.has(order.id)) return `order ${order.id} is not there`;
  if (refund && !rows.refunds.has(refund.id)) return `refund ${refund.id} is not there`;
  if (transaction && !rows.transactions.has(transaction.id)) return `transaction ${transaction.id} is not there`;
  if (action === 'revokeGrant' && effectsOf(operation, null, rows).length === 0)
    return `grant ${input.grantId} is not revoked by it`;
  if (action === 'cancelOrder' && rows.orders.get(input.orderId ?? '')?.status !== 'CANCELLED')
    return `order ${input.orderId} is ${rows.orders.get(input.orderId ?? '')?.status}`;
  // The keys of an order are freed when Stripe rejects its session.
  if (input.idempotencyKey && !record && !order) return 'its idempotency key has no record';
  return null;
}

function checkExplained({ rows, operations, begins, replay }: Timeline): Finding[] {
  const findings: Finding[] = [];
  const report = (message: string, sequence?: number) =>
    findings.push({
      class: 'UNEXPLAINED_CHANGE',
      viewer: rows.viewer,
      message,
      operations: [],
      ...(sequence === undefined ? {} : { sequence }),
    });
  for (const grant of rows.grants.values()) {
    const reference = grant.paidWith === 'CARD' ? `order:${grant.orderId}` : `grant:${grant.id}`;
    if (!begins.has(reference))
      report(`No operation led to grant ${grant.id} (${grant.paidWith}).`, replay.places.get(reference)?.first);
  }
  for (const { kind, id, amount } of rows.transactions.values()) {
    if (kind === 'ADJUSTMENT' && !begins.has(`transaction:${id}`))
      report(`No operation led to the adjustment ${id} of ${amount}.`, replay.places.get(`transaction:${id}`)?.first);
  }
  for (const { id, amount } of rows.refunds.values())
    if (!begins.has(`refund:${id}`))
      report(`No operation led to refund ${id} of ${amount}.`, replay.places.get(`refund:${id}`)?.first);
  for (const order of rows.orders.values())
    if (order.status === 'PAID' && !operations.some((operation) => mayOpen(operation, order, rows)))
      report(`No operation asked for order ${order.id}, which is PAID.`);
  return findings;
}

/** A key's record is not enough here: it is freed when Stripe rejects the order's session. */
function mayOpen({ action, input }: Operation, order: OrderRow, { plans }: Timeline['rows']): boolean {
  if (order.kind === 'TOP_UP') return action === 'topUp' && input.amount === order.amount;
  const { subscriptionId } = plans.get(order.versionId ?? '') ?? {};
  return action === 'purchase' && input.payWith === 'CARD' && input.subscriptionId === subscriptionId;
}

function checkRepeated({ rows, operations }: Timeline): Finding[] {
  const answered = operations.filter(({ answer, input }) => answer?.outcome === 'OK' && input.idempotencyKey);
  const findings: Finding[] = [];
  for (const calls of groupBy(answered, ({ caller, input }) => `${caller} ${input.idempotencyKey}`).values()) {
    const results = new Set(calls.map(resultOf));
    if (results.size === 1) continue;
    const message = `One idempotency key was answered in different ways: ${[...results].join('; ')}.`;
    findings.push({ class: 'KEY_USED_TWICE', viewer: rows.viewer, message, operations: calls.map(({ id }) => id) });
  }
  return findings;
}

/** What must be the same each time: the input, the references, and the balance as it was then. */
function resultOf({ answer, action, input }: Operation): string {
  const { grant, order, refund, transaction, balance } = answer?.data ?? {};
  const asked = { ...input, idempotencyKey: undefined };
  return JSON.stringify([action, asked, grant?.id, order?.id, refund?.id, transaction?.id, balance]);
}
