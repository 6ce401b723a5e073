import type { GrantStatus } from './final-state.js';

/**
 * A small model of one viewer's balance, grants, holds and refunds, by the rules of docs/money.md. It shares no code with the product.
 * Amounts are integers in minor units. Functions return new states; nothing is changed in place.
 */
export interface Model {
  readonly posted: number;
  readonly held: number;
  readonly version: number;
  readonly grants: ReadonlyMap<string, ModelGrant>;
  /** Card payments, by order. */
  readonly payments: ReadonlyMap<string, ModelPayment>;
  /** Pending holds, by refund. */
  readonly holds: ReadonlyMap<string, number>;
}

export interface ModelGrant {
  readonly id: string;
  readonly paidWith: 'CARD' | 'BALANCE' | 'GIFT';
  readonly versionId: string;
  readonly orderId: string | null;
  readonly status: GrantStatus;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly durationDays: number;
  readonly paid: number;
  /** What was credited of that, by anything, and the part that refunds made at Stripe and disputes credited. */
  readonly returned: number;
  readonly returnedOutside: number;
  /** Whether a refund of ours or an admin ended it. */
  readonly endedHere: boolean;
}

export interface ModelPayment {
  readonly captured: number;
  /** Refunds that have not failed, by id. */
  readonly refunds: ReadonlyMap<string, { readonly amount: number; readonly outside: boolean }>;
  readonly disputes: ReadonlyMap<string, ModelDispute>;
}

export interface ModelDispute {
  readonly outcome: 'OPEN' | 'WON' | 'LOST';
  /** What it has taken and not returned. */
  readonly taken: number;
  /** False for an inquiry. */
  readonly movedFunds: boolean;
}

/** What one entry about the balance must say: the change of posted and held. */
export interface Entry {
  readonly posted?: number;
  readonly held?: number;
  readonly counterAccount?: string;
}

/** The entries about the balance that a change writes, each of which is its next version, and the state after them. */
export interface Change {
  readonly entries: readonly Entry[];
  readonly after: Model;
}

const DAY_MS = 86_400_000;
export const ENDED: ReadonlySet<GrantStatus> = new Set(['EXPIRED', 'REFUNDED', 'REVOKED']);

export const EMPTY: Model = { posted: 0, held: 0, version: 0, grants: new Map(), payments: new Map(), holds: new Map() };
export const availableOf = (model: Model): number => model.posted - model.held;

const put = <Value>(map: ReadonlyMap<string, Value>, key: string, value: Value) => new Map(map).set(key, value);

function without<Value>(map: ReadonlyMap<string, Value>, key: string): ReadonlyMap<string, Value> {
  const rest = new Map(map);
  rest.delete(key);
  return rest;
}

function post(model: Model, entries: readonly Entry[]): Model {
  const sum = (field: 'posted' | 'held') => entries.reduce((total, entry) => total + (entry[field] ?? 0), 0);
  return {
    ...model,
    posted: model.posted + sum('posted'),
    held: model.held + sum('held'),
    version: model.version + entries.length,
  };
}

const withGrant = (model: Model, grant: ModelGrant): Model => ({ ...model, grants: put(model.grants, grant.id, grant) });
const withPayment = (model: Model, orderId: string, payment: ModelPayment): Model => ({
  ...model,
  payments: put(model.payments, orderId, payment),
});

/** An admin's adjustment; null when the balance does not cover it. */
export function adjust(model: Model, amount: number): Change | null {
  if (amount < 0 && availableOf(model) < -amount) return null;
  const entries = [{ posted: amount, counterAccount: 'ADJUSTMENT' }];
  return { entries, after: post(model, entries) };
}

export type NewGrant = Pick<ModelGrant, 'id' | 'versionId' | 'fromMs' | 'untilMs' | 'durationDays'>;

const issued = (grant: NewGrant, paidWith: ModelGrant['paidWith'], paid: number, orderId: string | null): ModelGrant => ({
  ...grant,
  paidWith,
  orderId,
  paid,
  status: 'ACTIVE',
  returned: 0,
  returnedOutside: 0,
  endedHere: false,
});

/** Rule 2: a purchase from the balance; null when the balance does not cover the price. A free plan is never refused. */
export function buyFromBalance(model: Model, grant: NewGrant, price: number): Change | null {
  if (price > 0 && availableOf(model) < price) return null;
  const entries = [{ posted: -price, counterAccount: 'REVENUE' }];
  return { entries, after: withGrant(post(model, entries), issued(grant, 'BALANCE', price, null)) };
}

/** Rules 1 and 4: an order that was paid at Stripe; with the grant that it bought, unless it is a top-up. */
export function pay(model: Model, orderId: string, captured: number, grant: NewGrant | null): Change {
  const entries: Entry[] = captured > 0 ? [{ posted: captured, counterAccount: 'STRIPE' }] : [];
  if (grant) entries.push({ posted: -captured, counterAccount: 'REVENUE' });
  const paid = withPayment(post(model, entries), orderId, { captured, refunds: new Map(), disputes: new Map() });
  return { entries, after: grant ? withGrant(paid, issued(grant, 'CARD', captured, orderId)) : paid };
}

/** A gift moves no money. */
export function gift(model: Model, grant: NewGrant): Change {
  return { entries: [], after: withGrant(model, issued(grant, 'GIFT', 0, null)) };
}

/** An admin's revocation; null for a grant that has ended. */
export function revoke(model: Model, grantId: string): Change | null {
  const grant = model.grants.get(grantId);
  if (!grant || ENDED.has(grant.status)) return null;
  const revoked: ModelGrant = { ...grant, status: 'REVOKED', endedHere: true };
  return { entries: [], after: withGrant(model, revoked) };
}

/** The end of a grant's time; null when it has not come, or the grant has ended already. */
export function expire(model: Model, grantId: string, atMs: number): Change | null {
  const grant = model.grants.get(grantId);
  if (grant?.status !== 'ACTIVE' || grant.untilMs > atMs) return null;
  return { entries: [], after: withGrant(model, { ...grant, status: 'EXPIRED' }) };
}

/** What disputes have taken of a payment and not returned. */
export const disputedOf = ({ disputes }: ModelPayment): number =>
  [...disputes.values()].reduce((sum, { taken }) => sum + taken, 0);

/** What is left of a payment for refunds to its card. */
export function leftOf(payment: ModelPayment): number {
  return [...payment.refunds.values()].reduce((left, { amount }) => left - amount, payment.captured) - disputedOf(payment);
}

/** Rule 5: the share of the unused days of what was paid and not yet returned, rounded down. */
export function refundShare(grant: ModelGrant, atMs: number): number {
  const wholeDays = Math.floor((grant.untilMs - atMs) / DAY_MS);
  const unusedDays = Math.max(0, Math.min(grant.durationDays - 1, wholeDays));
  return Math.floor(((grant.paid - grant.returned) * unusedDays) / grant.durationDays);
}

/** Rule 5: a refund of a grant; null when it must be refused. To the card, the amount is held until the payout has ended. */
export function refundGrant(model: Model, refundId: string, grantId: string, toCard: boolean, atMs: number): Change | null {
  const grant = model.grants.get(grantId);
  if (!grant || grant.paidWith === 'GIFT' || grant.status !== 'ACTIVE') return null;
  const amount = refundShare(grant, atMs);
  if (amount <= 0) return null;
  const entries: Entry[] = [{ posted: amount, counterAccount: 'REVENUE' }];
  if (toCard) entries.push({ held: amount });
  const refunded: ModelGrant = { ...grant, status: 'REFUNDED', returned: grant.returned + amount, endedHere: true };
  const after = withGrant(post(model, entries), refunded);
  if (!toCard) return { entries, after };
  const payment = grant.orderId === null ? undefined : model.payments.get(grant.orderId);
  if (!payment || grant.orderId === null || leftOf(payment) < amount || availableOf(model) < 0) return null;
  return { entries, after: startPayout(after, refundId, grant.orderId, amount) };
}

/** Rule 6: a refund of a top-up to its card; null when the balance or the payment does not cover it. */
export function refundTopUp(model: Model, refundId: string, orderId: string, amount: number): Change | null {
  const payment = model.payments.get(orderId);
  if (!payment || leftOf(payment) < amount || availableOf(model) < amount) return null;
  const entries = [{ held: amount }];
  return { entries, after: startPayout(post(model, entries), refundId, orderId, amount) };
}

function startPayout(model: Model, refundId: string, orderId: string, amount: number): Model {
  const counted = countRefund(model, orderId, refundId, { amount, outside: false });
  return { ...counted, holds: put(counted.holds, refundId, amount) };
}

export function countRefund(
  model: Model,
  orderId: string,
  refundId: string,
  refund: { amount: number; outside: boolean },
): Model {
  const payment = model.payments.get(orderId);
  return payment ? withPayment(model, orderId, { ...payment, refunds: put(payment.refunds, refundId, refund) }) : model;
}

export function forgetRefund(model: Model, orderId: string, refundId: string): Model {
  const payment = model.payments.get(orderId);
  return payment ? withPayment(model, orderId, { ...payment, refunds: without(payment.refunds, refundId) }) : model;
}

/** Rule 8: the payout succeeded, so the money leaves; null without a pending hold. */
export function capture(model: Model, refundId: string): Change | null {
  const amount = model.holds.get(refundId);
  if (amount === undefined) return null;
  const entries = [{ posted: -amount, held: -amount, counterAccount: 'STRIPE' }];
  return { entries, after: { ...post(model, entries), holds: without(model.holds, refundId) } };
}

/** Rule 8: the payout failed, so the money can be spent again. */
export function release(model: Model, refundId: string, orderId: string): Change | null {
  const amount = model.holds.get(refundId);
  if (amount === undefined) return null;
  const entries = [{ held: -amount }];
  return { entries, after: { ...forgetRefund(post(model, entries), orderId, refundId), holds: without(model.holds, refundId) } };
}

/** A payout of ours failed at Stripe after it had succeeded (positive), or succeeded after it was abandoned (negative). */
export function reverse(model: Model, refundId: string, orderId: string, amount: number): Change {
  const entries = [{ posted: amount, counterAccount: 'STRIPE' }];
  const moved = post(model, entries);
  const after =
    amount > 0
      ? forgetRefund(moved, orderId, refundId)
      : countRefund(moved, orderId, refundId, { amount: -amount, outside: false });
  return { entries, after };
}
