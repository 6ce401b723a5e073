import { byId, groupBy } from './account-rows.js';
import type { FinalState, OrderRow } from './final-state.js';
import type { Finding, FindingClass } from './findings.js';

const HAS_FAILED = new Set(['failed', 'canceled']);

/** Ledger, grants and Stripe agree to the cent, payment by payment; refunds never exceed what was captured. */
export function checkStripe(final: FinalState): Finding[] {
  return [...checkSessions(final), ...checkPayments(final), ...checkRefunds(final), ...checkDisputes(final)];
}

const finding = (kind: FindingClass, viewer: string | null, message: string): Finding => ({
  class: kind,
  viewer,
  message,
  operations: [],
});

/** A session is paid exactly if its order is PAID; a paid purchase has one grant. */
function checkSessions({ stripe, orders, grants }: FinalState): Finding[] {
  const known = byId(orders);
  const grantsOf = groupBy(
    grants.filter(({ orderId }) => orderId !== null),
    ({ orderId }) => orderId as string,
  );
  const paid = new Map<string, number>();
  for (const { orderId, paid: isPaid } of stripe.sessions) if (orderId && isPaid) paid.set(orderId, (paid.get(orderId) ?? 0) + 1);
  const findings: Finding[] = [];
  for (const [orderId, count] of paid) {
    const order = known.get(orderId);
    if (order?.status !== 'PAID')
      findings.push(
        finding('DIFFERS_FROM_STRIPE', order?.viewer ?? null, `Order ${orderId} was paid at Stripe and is ${order?.status}.`),
      );
    if (count > 1)
      findings.push(finding('DIFFERS_FROM_STRIPE', order?.viewer ?? null, `Order ${orderId} was paid ${count} times.`));
  }
  for (const { id, viewer, status, kind } of orders) {
    if (status === 'PAID' && !paid.has(id))
      findings.push(finding('DIFFERS_FROM_STRIPE', viewer, `Order ${id} is PAID, but was not paid at Stripe.`));
    const count = grantsOf.get(id)?.length ?? 0;
    if (count !== (status === 'PAID' && kind === 'PURCHASE' ? 1 : 0))
      findings.push(finding('DIFFERS_FROM_STRIPE', viewer, `Order ${id} (${kind}, ${status}) has ${count} grants.`));
  }
  return findings;
}

/** What the ledger has for a payment is what Stripe captured, less what it refunded and what disputes took. */
function checkPayments({ stripe, orders, transactions }: FinalState): Finding[] {
  const orderOf = new Map(orders.flatMap((order): [string, OrderRow][] => (order.paymentId ? [[order.paymentId, order]] : [])));
  const refundsOf = groupBy(
    stripe.refunds.filter(({ status }) => !HAS_FAILED.has(status)),
    ({ paymentId }) => paymentId,
  );
  const disputesOf = groupBy(stripe.disputes, ({ paymentId }) => paymentId);
  const ledgerOf = groupBy(
    transactions.filter(({ counterAccount, orderId }) => counterAccount === 'STRIPE' && orderId !== null),
    ({ orderId }) => orderId as string,
  );
  const findings: Finding[] = [];
  for (const { id, captured } of stripe.payments) {
    const order = orderOf.get(id);
    if (!order) {
      if (captured > 0) findings.push(finding('DIFFERS_FROM_STRIPE', null, `Payment ${id} of ${captured} belongs to no order.`));
      continue;
    }
    const refunded = (refundsOf.get(id) ?? []).reduce((sum, { amount }) => sum + amount, 0);
    const disputed = (disputesOf.get(id) ?? []).reduce((sum, { withdrawn, reinstated }) => sum + withdrawn - reinstated, 0);
    const booked = (ledgerOf.get(order.id) ?? []).reduce((sum, { amount }) => sum + amount, 0);
    const expected = captured - refunded - disputed;
    if (refunded > captured)
      findings.push(
        finding('REFUND_TOO_HIGH', order.viewer, `Of payment ${id}, ${refunded} was refunded and ${captured} captured.`),
      );
    if (booked !== expected)
      findings.push(
        finding(
          'DIFFERS_FROM_STRIPE',
          order.viewer,
          `Payment ${id}: Stripe captured ${captured}, refunded ${refunded}, and disputes took ${disputed}; the ledger has ${booked}.`,
        ),
      );
  }
  return findings;
}

/** Each refund at Stripe is one of ours, with the same amount and outcome; each of ours to a card that succeeded is one of Stripe's. */
function checkRefunds({ stripe, refunds }: FinalState): Finding[] {
  const ours = groupBy(
    refunds.filter(({ stripeId }) => stripeId !== null),
    ({ stripeId }) => stripeId as string,
  );
  const theirs = byId(stripe.refunds);
  const findings: Finding[] = [];
  for (const { id, amount, status, refundId } of stripe.refunds) {
    const [row, ...others] = ours.get(id) ?? [];
    const expected = HAS_FAILED.has(status) ? 'FAILED' : status === 'succeeded' ? 'SUCCEEDED' : 'PENDING';
    if (!row || others.length > 0)
      findings.push(
        finding(
          'DIFFERS_FROM_STRIPE',
          row?.viewer ?? null,
          `Refund ${id} at Stripe has ${row ? 'several rows' : 'no row'} here.`,
        ),
      );
    else if (row.amount !== amount || row.status !== expected)
      findings.push(
        finding(
          'DIFFERS_FROM_STRIPE',
          row.viewer,
          `Refund ${id} is ${amount}, ${expected} at Stripe and ${row.amount}, ${row.status} here.`,
        ),
      );
    if (row?.origin === 'REQUEST' && refundId !== row.id)
      findings.push(
        finding('DIFFERS_FROM_STRIPE', row.viewer, `Refund ${id} at Stripe names ${refundId}, and is refund ${row.id} here.`),
      );
  }
  for (const { id, viewer, destination, status, stripeId } of refunds)
    if (destination === 'CARD' && status === 'SUCCEEDED' && !theirs.has(stripeId ?? ''))
      findings.push(finding('DIFFERS_FROM_STRIPE', viewer, `Refund ${id} SUCCEEDED, but Stripe does not have it.`));
  return findings;
}

function checkDisputes({ stripe, disputes }: FinalState): Finding[] {
  const ours = new Map(disputes.map((dispute) => [dispute.stripeId, dispute]));
  return stripe.disputes.flatMap(({ id, status, withdrawn, reinstated }) => {
    const row = ours.get(id);
    const taken = withdrawn - reinstated;
    const outcome = status === 'lost' ? 'LOST' : status === 'won' || status === 'warning_closed' ? 'WON' : 'OPEN';
    const known = row && row.outcome === outcome && row.withdrawn - row.reinstated === taken;
    if (known) return [];
    const here = row ? `${row.outcome}, ${row.withdrawn - row.reinstated}` : 'not known';
    return [
      finding('DIFFERS_FROM_STRIPE', row?.viewer ?? null, `Dispute ${id} is ${outcome}, ${taken} at Stripe and ${here} here.`),
    ];
  });
}
