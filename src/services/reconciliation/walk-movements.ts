import type Stripe from 'stripe';
import { compareMovement, type Movement, movementOf } from './compare.js';
import { createdIn, type Window } from './decide-windows.js';
import type { MovedRecord, OurRecords } from './our-records.js';
import { addTotals } from './reconciliation-store.js';
import type { ObjectWalk, WalkResult } from './walk-objects.js';
import { chunksOf, type Finding, recheck } from './walk-objects.js';

const CHUNK_COUNT = 100;

export interface MovementWalk {
  readonly stripe: Pick<Stripe, 'balanceTransactions' | 'checkout'>;
  readonly records: OurRecords;
  readonly objects: Pick<ObjectWalk, 'compareSessions' | 'followRefund' | 'followDispute'>;
}

/** A balance transaction and the movement it represents. */
export interface SeenMovement {
  readonly movement: Movement;
  readonly transaction: Stripe.BalanceTransaction;
}

/**
 * Compares the payments that reached Stripe's balance in the window with the ledger; a payment may belong to a session that was opened
 * long before, which is then brought up to date first. Returns the other movements, which `compareMovements` compares once the refunds
 * and disputes themselves have been compared.
 */
export async function walkPayments(parts: MovementWalk, window: Window, result: WalkResult): Promise<SeenMovement[]> {
  const rest: SeenMovement[] = [];
  const list = parts.stripe.balanceTransactions.list({
    created: createdIn(window),
    limit: CHUNK_COUNT,
    expand: ['data.source'],
  });
  for await (const chunk of chunksOf(list, CHUNK_COUNT)) {
    result.objectsChecked += chunk.length;
    const seen = chunk.flatMap((transaction) => {
      const movement = movementOf(transaction);
      return movement ? [{ movement, transaction }] : [];
    });
    const payments = seen.filter(({ movement }) => movement.kind === 'PAYMENT');
    rest.push(...seen.filter(({ movement }) => movement.kind !== 'PAYMENT'));
    await compareMovements(parts, payments, result);
  }
  return rest;
}

/** Compares movements with the ledger and adds up their fees. Movements that the ledger does not know are applied first. */
export async function compareMovements(parts: MovementWalk, seen: readonly SeenMovement[], result: WalkResult): Promise<void> {
  for (let start = 0; start < seen.length; start += CHUNK_COUNT) {
    const chunk = seen.slice(start, start + CHUNK_COUNT);
    const ids = chunk.map(({ movement }) => movement.stripeId);
    const before = await recordsOf(parts.records, ids);
    for (const one of chunk) {
      const ours = before.get(one.movement.stripeId) ?? null;
      // A refund or dispute may have changed since; a known payment cannot.
      const differs = !ours?.settled || compareMovement(one.movement, ours) !== null;
      if (!ours || (differs && one.movement.kind !== 'PAYMENT')) await bringUpToDate(parts, one, result);
    }
    const after = await recordsOf(parts.records, ids);
    for (const one of chunk) await compareOne(parts, one, after.get(one.movement.stripeId) ?? null, result);
  }
}

async function recordsOf(records: OurRecords, stripeIds: readonly string[]): Promise<Map<string, MovedRecord>> {
  return new Map((await records.moved(stripeIds)).map((record) => [record.stripeId, record]));
}

async function bringUpToDate({ stripe, objects }: MovementWalk, { movement, transaction }: SeenMovement, result: WalkResult) {
  if (movement.kind === 'REFUND') return objects.followRefund(transaction.source as Stripe.Refund, result);
  if (movement.kind === 'DISPUTE') return objects.followDispute(transaction.source as Stripe.Dispute, result);
  const { data } = await stripe.checkout.sessions.list({ payment_intent: movement.stripeId, limit: 1 });
  return objects.compareSessions(data, result);
}

async function compareOne(
  parts: MovementWalk,
  { movement, transaction }: SeenMovement,
  ours: MovedRecord | null,
  result: WalkResult,
) {
  if (!ours) return;
  const { amount: gross, fee: fees, net } = transaction;
  result.moved = addTotals(result.moved, [{ currency: transaction.currency.toUpperCase(), gross, fees, net }]);
  if (!compareMovement(movement, ours)) return;
  const isReported = ({ kind, stripeId, orderId }: Finding) =>
    kind === 'AMOUNT_DIFFERS' && (stripeId === movement.stripeId || (movement.kind === 'PAYMENT' && orderId === ours.orderId));
  if (result.findings.some(isReported)) return;
  const finding = await recheck<Movement | null>({
    refetch: async () => movementOf(await parts.stripe.balanceTransactions.retrieve(transaction.id, { expand: ['source'] })),
    compare: async (theirs) =>
      theirs && compareMovement(theirs, (await recordsOf(parts.records, [theirs.stripeId])).get(theirs.stripeId) ?? null),
    repair: async () => undefined,
  });
  if (finding) result.findings.push(finding);
}
