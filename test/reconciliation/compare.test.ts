import { describe, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import {
  compareDispute,
  compareMovement,
  comparePrice,
  compareRefund,
  compareSession,
  movementOf,
  ourRefundOf,
} from '../../src/services/reconciliation/compare.js';
import type { DisputeRecord, OrderRecord, PriceRecord, RefundRecord } from '../../src/services/reconciliation/our-records.js';
import { recheck } from '../../src/services/reconciliation/walk-objects.js';

const order: OrderRecord = {
  id: 'order-1',
  userId: 'user-1',
  kind: 'PURCHASE',
  status: 'PAID',
  currency: 'USD',
  capturedAmount: 1_000,
  stripeSessionId: 'cs_1',
  stripePaymentIntentId: 'pi_1',
  createdAt: new Date(0),
  grantId: 'grant-1',
  toppedUp: 1_000,
};
type Session = Parameters<typeof compareSession>[0];
const paidSession: Session = {
  id: 'cs_1',
  status: 'complete',
  payment_status: 'paid',
  amount_total: 1_000,
  currency: 'usd',
  metadata: null,
};

describe('A checkout session beside its order', () => {
  test.each<[string, Partial<Session>, Partial<OrderRecord>, [kind: string, repairable: boolean] | null]>([
    ['that is paid agrees with a PAID order', {}, {}, null],
    ['that is paid differs from an OPEN order', {}, { status: 'OPEN' }, ['PAID_WITHOUT_GRANT', true]],
    ['that is paid differs from an EXPIRED order', {}, { status: 'EXPIRED' }, ['PAID_WITHOUT_GRANT', true]],
    ['that is paid differs from a FAILED order', {}, { status: 'FAILED' }, ['PAID_WITHOUT_GRANT', true]],
    ['that is paid differs from a PAID order without its grant', {}, { grantId: null }, ['PAID_WITHOUT_GRANT', false]],
    ['of a paid top-up needs no grant', {}, { kind: 'TOP_UP', grantId: null }, null],
    ['that is open agrees with an OPEN order', { status: 'open', payment_status: 'unpaid' }, { status: 'OPEN' }, null],
    [
      'that expired agrees with an OPEN order, which a job closes',
      { status: 'expired', payment_status: 'unpaid' },
      { status: 'OPEN' },
      null,
    ],
    ['that is completed but unpaid agrees with an OPEN order', { payment_status: 'unpaid' }, { status: 'OPEN' }, null],
    [
      'that is completed but unpaid differs from a PAID order',
      { payment_status: 'unpaid' },
      {},
      ['GRANT_WITHOUT_PAYMENT', false],
    ],
    [
      'that is open differs from a PAID order',
      { status: 'open', payment_status: 'unpaid' },
      {},
      ['GRANT_WITHOUT_PAYMENT', false],
    ],
    [
      'that was free differs from an OPEN order',
      { payment_status: 'no_payment_required', amount_total: 0 },
      { status: 'OPEN' },
      ['PAID_WITHOUT_GRANT', true],
    ],
    [
      'that is free and not completed agrees with an OPEN order',
      { payment_status: 'no_payment_required', status: 'open' },
      { status: 'OPEN' },
      null,
    ],
    [
      'that was free agrees with a PAID order',
      { payment_status: 'no_payment_required', amount_total: 0 },
      { capturedAmount: 0, toppedUp: 0 },
      null,
    ],
    ['of another amount than its order differs', {}, { capturedAmount: 999 }, ['AMOUNT_DIFFERS', false]],
    ['of another amount than the ledger differs', {}, { toppedUp: 2_000 }, ['AMOUNT_DIFFERS', false]],
    ['in another currency than its order differs', { currency: 'eur' }, {}, ['AMOUNT_DIFFERS', false]],
  ])('%s', (_what, session, ours, expected) => {
    const difference = compareSession({ ...paidSession, ...session }, { ...order, ...ours });
    expect(difference && [difference.kind, difference.repairable]).toEqual(expected);
  });

  test('of something else sold through the same account is none of our business', () => {
    expect(compareSession(paidSession, null)).toBeNull();
  });

  test('that paid for an order which a restored database has lost is reported', () => {
    const session = { ...paidSession, metadata: { order_id: 'order-1' } };
    expect(compareSession(session, null)).toMatchObject({ kind: 'PAID_WITHOUT_GRANT', stripeId: 'cs_1', repairable: false });
    expect(compareSession({ ...session, payment_status: 'unpaid', status: 'expired' }, null)).toBeNull();
  });
});

const payment = { paymentIntentId: 'pi_1', orderId: 'order-1', userId: 'user-1', currency: 'USD' };
const refund: RefundRecord = {
  id: 'refund-1',
  userId: 'user-1',
  orderId: 'order-1',
  amount: 500,
  currency: 'USD',
  origin: 'REQUEST',
  destination: 'CARD',
  status: 'PENDING',
  stripeRefundId: 're_1',
  createdAt: new Date(0),
};

describe("Stripe's refund beside ours", () => {
  const theirs = { id: 're_1', amount: 500, currency: 'usd', status: 'succeeded', metadata: {}, payment_intent: 'pi_1' };
  test.each<[stripe: string, ours: Partial<RefundRecord> | null, repairable: boolean | null]>([
    ['succeeded', null, true],
    ['pending', null, true],
    ['pending', {}, null],
    ['requires_action', {}, null],
    ['succeeded', {}, true],
    ['failed', {}, true],
    ['canceled', {}, true],
    ['succeeded', { status: 'SUCCEEDED' }, null],
    ['failed', { status: 'SUCCEEDED' }, true],
    ['failed', { status: 'FAILED' }, null],
    ['succeeded', { status: 'FAILED' }, false],
    ['pending', { status: 'SUCCEEDED' }, false],
    ['pending', { amount: 400 }, false],
    ['succeeded', { status: 'FAILED', stripeRefundId: null }, true],
    ['pending', { status: 'FAILED', stripeRefundId: null }, false],
  ])('that is %s there and %j here is a difference that can be repaired (null: none): %j', (status, ours, repairable) => {
    const difference = compareRefund({ ...theirs, status }, ours && { ...refund, ...ours }, payment);
    expect(difference?.repairable ?? null).toBe(repairable);
  });

  test('in another currency than its order is listed as that, not as missing here', () => {
    const difference = compareRefund({ ...theirs, currency: 'eur' }, null, payment);
    expect(difference).toMatchObject({ kind: 'REFUND_DIFFERS', repairable: false });
    expect(difference?.detail).toContain('its order is in USD');
    expect(difference?.detail).not.toContain('there is none here');
  });

  test('that carries the metadata of a refund which it is not is listed, though it is booked', () => {
    const other = '0190a1b2-0000-7000-8000-000000000001';
    const made: RefundRecord = { ...refund, origin: 'STRIPE', status: 'SUCCEEDED' };
    const named = { ...theirs, metadata: { refund_id: other } };
    expect(compareRefund(named, made, payment)).toMatchObject({ detail: expect.stringContaining(other), repairable: false });
    expect(compareRefund(theirs, made, payment)).toBeNull();
  });

  test('is the one that it names only with our payment and amount, while no id is recorded', () => {
    const id = '0190a1b2-0000-7000-8000-000000000002';
    const asked: RefundRecord = { ...refund, id, stripeRefundId: null };
    const named = { ...theirs, metadata: { refund_id: id } };
    expect(ourRefundOf(named, [asked], payment)).toBe(asked);
    expect(ourRefundOf({ ...named, amount: 499 }, [asked], payment)).toBeNull();
    expect(ourRefundOf({ ...named, payment_intent: 'pi_2' }, [asked], payment)).toBeNull();
    expect(ourRefundOf(named, [{ ...asked, stripeRefundId: 're_2' }], payment)).toBeNull();
  });

  test('of a payment that is not ours is none of our business', () => {
    expect(compareRefund(theirs, null, null)).toBeNull();
  });
});

describe("Stripe's dispute beside ours", () => {
  const dispute: DisputeRecord = {
    id: 'dispute-1',
    stripeDisputeId: 'du_1',
    orderId: 'order-1',
    userId: 'user-1',
    amount: 1_000,
    currency: 'USD',
    outcome: 'OPEN',
    funds: 'WITHDRAWN',
    withdrawn: 1_000,
    reinstated: 0,
    movements: 0,
    createdAt: new Date(0),
  };
  const untouched = { funds: 'UNTOUCHED', withdrawn: 0 } as const;
  const reinstated = { outcome: 'WON', funds: 'REINSTATED', reinstated: 1_000 } as const;
  test.each<[stripe: Stripe.Dispute['status'], ours: Partial<DisputeRecord> | null, repairable: boolean | null]>([
    ['needs_response', null, true],
    ['needs_response', {}, null],
    ['warning_needs_response', {}, null],
    ['warning_needs_response', untouched, null],
    ['needs_response', untouched, true],
    ['under_review', untouched, true],
    ['warning_closed', { ...untouched, outcome: 'WON' }, null],
    ['under_review', {}, null],
    ['won', {}, true],
    ['lost', {}, true],
    ['warning_closed', reinstated, null],
    ['won', reinstated, null],
    ['lost', reinstated, false],
    ['won', { outcome: 'LOST' }, true],
    ['lost', { outcome: 'LOST', amount: 1, withdrawn: 1 }, true],
    ['lost', { outcome: 'LOST', amount: 1_001, withdrawn: 1_001 }, false],
  ])('that is %s there and %j here is a difference that can be repaired (null: none): %j', (status, ours, repairable) => {
    const theirs = { id: 'du_1', amount: 1_000, currency: 'usd', status, balance_transactions: [] };
    expect(compareDispute(theirs, ours && { ...dispute, ...ours }, payment)?.repairable ?? null).toBe(repairable);
  });
});

describe('What Stripe moved beside what the ledger moved', () => {
  const transaction = (amount: number, source: object | null, currency = 'usd') =>
    movementOf({ amount, currency, source } as Stripe.BalanceTransaction);
  const charge = { object: 'charge', id: 'ch_1', payment_intent: 'pi_1', currency: 'usd' };
  const refund = { object: 'refund', id: 're_1', amount: 300, currency: 'usd', balance_transaction: 'txn_1' };
  const dispute = { object: 'dispute', id: 'du_1', currency: 'usd', balance_transactions: [{ amount: -900 }] };
  const ours = { stripeId: 'x', orderId: 'order-1', userId: 'user-1', currency: 'USD', moved: 0, settled: true };

  test.each<[string, ReturnType<typeof transaction>, [kind: string, id: string, amount: number] | null]>([
    ['a payment', transaction(1_000, charge), ['PAYMENT', 'pi_1', 1_000]],
    ['a payment of another kind than through a payment intent', transaction(1_000, { ...charge, payment_intent: null }), null],
    ['a refund', transaction(-300, refund), ['REFUND', 're_1', -300]],
    ['a refund that came back', transaction(300, { ...refund, failure_balance_transaction: 'txn_2' }), ['REFUND', 're_1', 0]],
    ['a dispute', transaction(-900, dispute), ['DISPUTE', 'du_1', -900]],
    [
      'a dispute that was won',
      transaction(900, { ...dispute, balance_transactions: [{ amount: -900 }, { amount: 900 }] }),
      ['DISPUTE', 'du_1', 0],
    ],
    ["money in the account's currency, not the viewer's", transaction(930, charge, 'eur'), null],
    ['a fee of its own', transaction(-200, null), null],
    ['a payout to the bank', transaction(-5_000, { object: 'payout', id: 'po_1', currency: 'usd' }), null],
  ])('is read from the balance: %s', (_what, movement, expected) => {
    expect(movement && [movement.kind, movement.stripeId, movement.amount]).toEqual(expected);
  });

  test.each<[string, number, object | null, boolean]>([
    ['the same', -300, { moved: -300 }, false],
    ['less', -300, { moved: -299 }, true],
    ['nothing, though Stripe moved', -300, { moved: 0 }, true],
    ['in another currency', -300, { moved: -300, currency: 'EUR' }, true],
    ['nothing yet, for it is on its way', -300, { moved: 0, settled: false }, false],
    ['what is not ours', -300, null, false],
  ])('the ledger moved %s', (_what, amount, record, differs) => {
    const theirs = { kind: 'REFUND' as const, stripeId: 're_1', amount, currency: 'usd' };
    const difference = compareMovement(theirs, record && { ...ours, ...record });
    expect(difference).toEqual(differs ? expect.objectContaining({ kind: 'AMOUNT_DIFFERS', repairable: false }) : null);
  });
});

describe('A price at Stripe', () => {
  const ours: PriceRecord = {
    subscriptionId: 'subscription-1',
    title: 'Nights',
    description: '',
    price: 3_000,
    currency: 'USD',
    stripePriceId: 'price_1',
    stripeProductId: 'prod_1',
  };
  const theirs = { id: 'price_1', active: true, unit_amount: 3_000, currency: 'usd', product: 'prod_1' };
  const product = { id: 'prod_1', object: 'product', active: true, name: 'Nights', description: null } as Stripe.Product;
  test.each<[string, string, Parameters<typeof comparePrice>[0]]>([
    ['of another amount', '2999 USD', { ...theirs, unit_amount: 2_999 }],
    ['in another currency', '3000 EUR', { ...theirs, currency: 'eur' }],
    ['that is archived', 'archived', { ...theirs, active: false }],
    ['of another product', 'prod_2', { ...theirs, product: 'prod_2' }],
    ['whose product is archived', 'product is archived', { ...theirs, product: { ...product, active: false } }],
    ['whose product is deleted', 'deleted', { ...theirs, product: { id: 'prod_1', object: 'product', deleted: true } }],
    ['whose product was renamed', 'another name', { ...theirs, product: { ...product, name: 'Days' } }],
    ['whose product has another description', 'another description', { ...theirs, product: { ...product, description: 'x' } }],
    ['that Stripe does not have', 'does not know it', null],
  ])('%s is a difference, described as "%s"', (_what, words, price) => {
    expect(comparePrice(price, ours)).toMatchObject({ kind: 'PRICE_DIFFERS', detail: expect.stringContaining(words) });
  });

  test('that is the same, with its product or without, is no difference', () => {
    expect(comparePrice(theirs, ours)).toBeNull();
    expect(comparePrice({ ...theirs, product }, ours)).toBeNull();
  });
});

describe('A difference that was seen', () => {
  const difference = compareSession(paidSession, { ...order, status: 'OPEN' });
  const examination = { refetch: async () => paidSession, compare: async () => difference, repair: async () => 'APPLIED' };

  test('is dropped when it is gone at the second look', async () => {
    expect(await recheck({ ...examination, compare: async () => null })).toBeNull();
  });

  test('is repaired when applying it helps', async () => {
    let applied = false;
    const repair = async () => {
      applied = true;
    };
    const compare = async () => (applied ? null : difference);
    expect(await recheck({ ...examination, compare, repair })).toMatchObject({ kind: 'PAID_WITHOUT_GRANT', repaired: true });
  });

  test('stays on the list when it does not help, or fails', async () => {
    expect(await recheck(examination)).toMatchObject({ repaired: false });
    const repair = () => Promise.reject(new Error('the database is away'));
    const finding = await recheck({ ...examination, repair });
    expect(finding).toMatchObject({ repaired: false, detail: expect.stringContaining('the database is away') });
  });
});
