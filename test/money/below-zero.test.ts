import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Grant } from '../../src/entities/grant.js';
import type { Order } from '../../src/entities/order.js';
import { findGrant } from '../../src/services/grants/grants.js';
import { newId } from '../../src/services/ids.js';
import type { Movement } from '../../src/services/ledger/unit.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';

type Viewer = Awaited<ReturnType<CardShop['viewer']>>;

describe('a viewer below zero', () => {
  let shop: CardShop;
  let offer: Offer;
  beforeAll(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
  });
  afterAll(async () => {
    // Some orders here were inserted by the tests, past the ledger, also for viewers who have nothing else.
    const besides = ['JOURNAL_HAS_EACH_ORDER', 'VIEWER_HAS_A_BALANCE'];
    expect(await shop.discrepancies({ besides })).toEqual([]);
    await shop.close();
  });

  const topUpIdOf = async (order: Order) =>
    (await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [order.id]))[0]
      ?.id as string;
  const chargeBack = async (order: Order) => {
    const paymentIntent = order.stripePaymentIntentId as string;
    const { id } = shop.sandbox.control.openDispute({ paymentIntent, reason: 'fraudulent' });
    await shop.desk.disputes.applyDispute(await shop.stripe.disputes.retrieve(id), null);
  };
  const openByCard = async (viewer: Viewer): Promise<Order> => {
    const input = { subscriptionId: offer.subscriptionId, payWith: 'CARD' as const, idempotencyKey: aKey() };
    return (await shop.desk.purchases.purchase(viewer, input)).order as Order;
  };
  /** Topped up, spent it, and took the payment back. */
  const spendAndChargeBack = async (viewer: Viewer): Promise<void> => {
    const topUp = await shop.topUp(viewer, 1_000);
    expect((await shop.buy(viewer, offer)).errors).toEqual([]);
    await chargeBack(topUp);
  };
  const inDebt = async (): Promise<Viewer> => {
    const viewer = await shop.viewer();
    await spendAndChargeBack(viewer);
    expect(await shop.balance(viewer)).toMatchObject({ posted: -1_000, held: 0 });
    return viewer;
  };

  test('gets what they pay for by card, and the debt stays', async () => {
    const viewer = await inDebt();
    const order = await shop.buyByCard(viewer, offer);
    expect(order.status).toBe('PAID');
    expect((await shop.grantOf(order)).status).toBe('ACTIVE');
    expect(await shop.balance(viewer)).toMatchObject({ posted: -1_000, held: 0 });
  });

  test('gets what they ordered before and pay for now', async () => {
    const viewer = await shop.viewer();
    const order = await openByCard(viewer);
    await spendAndChargeBack(viewer);
    expect((await shop.payAtCheckout(viewer, order)).status).toBe('PAID');
    expect((await shop.grantOf(order)).status).toBe('ACTIVE');
    expect(await shop.balance(viewer)).toMatchObject({ posted: -1_000, held: 0 });
  });

  test('gets what they pay for when a pending refund holds more than they have', async () => {
    const viewer = await shop.viewer();
    const spent = await shop.topUp(viewer, 1_000);
    expect((await shop.buy(viewer, offer)).errors).toEqual([]);
    const transactionId = await topUpIdOf(await shop.topUp(viewer, 800));
    shop.sandbox.control.addFault({ kind: 'refund_pending', count: 1 });
    await shop.desk.refunds.refundTransaction(viewer, { transactionId, idempotencyKey: aKey() });
    await chargeBack(spent);
    expect(await shop.balance(viewer)).toMatchObject({ posted: -200, held: 800 });
    const order = await shop.buyByCard(viewer, offer);
    expect((await shop.grantOf(order)).status).toBe('ACTIVE');
    expect(await shop.balance(viewer)).toMatchObject({ posted: -200, held: 800 });
  });

  test('is quoted a refund to the balance, gets what the quote says, and learns why it cannot go to the card', async () => {
    const viewer = await shop.viewer();
    const order = await shop.buyByCard(viewer, offer);
    await spendAndChargeBack(viewer);
    const grant = (await findGrant(shop.db.database, (await shop.grantOf(order)).id)) as Grant;
    expect(await shop.desk.refunds.quotes([grant])).toMatchObject([{ amount: { amount: 900 }, destination: 'BALANCE' }]);
    const refund = (destination?: 'CARD') =>
      shop.desk.refunds.refundGrant(viewer, { grantId: grant.id, idempotencyKey: aKey(), destination: destination ?? null });
    expect((await refund('CARD')).errors).toMatchObject([
      { code: 'INSUFFICIENT_FUNDS', path: ['input', 'destination'], shortfall: { amount: 1_000, currency: 'USD' } },
    ]);
    expect((await refund()).refund).toMatchObject({ amount: 900, destination: 'BALANCE', status: 'SUCCEEDED' });
    expect(await shop.balance(viewer)).toMatchObject({ posted: -100, held: 0 });
  });

  const topUp = (orderId: string, amount: number): Movement => ({
    kind: 'TOP_UP',
    amount,
    counterAccount: 'STRIPE',
    orderId,
    stripePaymentIntentId: `pi_${newId()}`,
  });
  const adjustment = {
    kind: 'ADJUSTMENT',
    counterAccount: 'ADJUSTMENT',
    textDigest: Buffer.from('test'),
    actorId: newId(),
  } as const;
  const elsewhere = newId();
  test.each<[string, (orderId: string) => Movement[], boolean]>([
    ['its own payment comes right before it', (orderId) => [topUp(orderId, 1_000)], true],
    ['nothing was paid', () => [], false],
    ['less was paid than it takes', (orderId) => [topUp(orderId, 999)], false],
    ['the payment was for another order', () => [topUp(elsewhere, 1_000)], false],
    ['something comes in between', (orderId) => [topUp(orderId, 1_000), { ...adjustment, amount: 1 }], false],
    ['it was not paid but given', () => [{ ...adjustment, amount: 1_000 }], false],
  ])('may have a spending that ends below zero where %s', async (_where, movementsOf, allowed) => {
    const viewer = await inDebt();
    const insertOrder = `insert into orders (id, user_id, kind, status, amount, currency, version_id, created_at, expires_at, return_url)
      values ($1, $2, 'PURCHASE', 'OPEN', 1000, 'USD', $3, now(), now(), '') on conflict do nothing`;
    const orderId = newId();
    await shop.db.rows(insertOrder, [orderId, viewer.userId, offer.versionId]);
    await shop.db.rows(insertOrder, [elsewhere, newId(), offer.versionId]);
    const changedMind = new Error('so that nothing is kept');
    const outcome = shop.desk.ledger.change({ ...viewer, currency: 'USD' }, async (unit) => {
      const { now } = unit;
      for (const movement of movementsOf(orderId)) await unit.post(movement);
      const terms = { versionId: offer.versionId, pricePerDay: 100, durationDays: 10, grantedAt: now };
      const grant = { ...terms, id: newId(), spendingId: newId(), paidWith: 'CARD' as const, orderId };
      await unit.issueGrant({ ...grant, availableUntil: new Date(now.getTime() + 1) }, 1_000);
      throw changedMind;
    });
    await expect(outcome).rejects.toMatchObject(
      allowed ? { message: changedMind.message } : { constraint: 'balances_never_overdrawn' },
    );
  });

  test('still buys nothing from the balance', async () => {
    const { errors } = await shop.buy(await inDebt(), offer);
    expect(errors[0]).toMatchObject({ code: 'INSUFFICIENT_FUNDS', shortfall: { amount: 2_000 } });
  });
});
