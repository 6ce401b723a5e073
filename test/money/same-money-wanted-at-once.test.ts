import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';

describe('when many want the same money at once', () => {
  let shop: CardShop;
  let offer: Offer;
  beforeAll(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
  });
  afterAll(() => shop.close());

  const times = <Result>(count: number, work: (index: number) => Promise<Result>) =>
    Promise.all(Array.from({ length: count }, (_, index) => work(index)));

  test('200 purchases on a balance that covers 7 give 7 grants, and no other error than InsufficientFunds', async () => {
    const viewer = await shop.viewer(7_999);
    const results = await times(200, () => shop.buy(viewer, offer));
    expect(results.filter((result) => result.grant)).toHaveLength(7);
    expect(new Set(results.flatMap((result) => result.errors.map((error) => error.code)))).toEqual(
      new Set(['INSUFFICIENT_FUNDS']),
    );
    expect(await shop.balance(viewer)).toMatchObject({ posted: 999, held: 0, version: 8 });
  });

  test('50 identical requests with one key do one thing and all get its answer', async () => {
    const viewer = await shop.viewer(100_000);
    const key = aKey();
    const results = await times(50, () => shop.buy(viewer, offer, key));
    expect(results.flatMap((result) => result.errors)).toEqual([]);
    expect(new Set(results.map((result) => result.grant?.id)).size).toBe(1);
    expect(new Set(results.map((result) => result.balance?.version))).toEqual(new Set([2]));
    expect(await shop.balance(viewer)).toMatchObject({ posted: 99_000, version: 2 });
  });

  test('one key for 20 different things at once does one of them', async () => {
    const viewer = await shop.viewer();
    const key = aKey();
    const results = await times(20, (index) =>
      shop.desk.adjustments.adjust(ADMIN, {
        userId: viewer.userId,
        amount: 100 + index,
        currency: 'USD',
        reason: 'race',
        idempotencyKey: key,
      }),
    );
    expect(results.filter((result) => result.errors.length === 0)).toHaveLength(1);
    expect(new Set(results.flatMap((result) => result.errors.map((error) => error.code)))).toEqual(
      new Set(['IDEMPOTENCY_CONFLICT']),
    );
  });

  test('the same payment reported 20 times at once leaves one grant and two transactions', async () => {
    const viewer = await shop.viewer();
    const { order } = await shop.desk.purchases.purchase(viewer, {
      subscriptionId: offer.subscriptionId,
      payWith: 'CARD',
      idempotencyKey: aKey(),
    });
    shop.sandbox.control.pay(order?.stripeSessionId as string, { card: '4242424242424242' });
    const session = await shop.stripe.checkout.sessions.retrieve(order?.stripeSessionId as string);
    await times(20, () => shop.desk.fulfilment.applyCheckoutSession(session, null));
    const kinds = await shop.db.rows<{ kind: string }>('select kind from transactions where user_id = $1 order by version', [
      viewer.userId,
    ]);
    expect(kinds.map(({ kind }) => kind)).toEqual(['TOP_UP', 'SPENDING']);
    expect(await shop.db.rows('select 1 from grants where user_id = $1', [viewer.userId])).toHaveLength(1);
  });

  test('asking 20 times at once for a checkout opens one session', async () => {
    const viewer = await shop.viewer();
    const results = await times(20, () =>
      shop.desk.purchases.purchase(viewer, { subscriptionId: offer.subscriptionId, payWith: 'CARD', idempotencyKey: aKey() }),
    );
    expect(results.flatMap((result) => result.errors)).toEqual([]);
    expect(new Set(results.map((result) => result.order?.checkoutUrl)).size).toBe(1);
  });

  test('20 refunds of one grant at once give its money back once', async () => {
    const viewer = await shop.viewer(1_000);
    const { grant } = await shop.buy(viewer, offer);
    const results = await times(20, () =>
      shop.desk.refunds.refundGrant(viewer, { grantId: grant?.id as string, idempotencyKey: aKey() }),
    );
    expect(results.filter((result) => result.errors.length === 0)).toHaveLength(1);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 900, held: 0 });
  });

  test('refunds of a top-up race purchases: the money goes one way only', async () => {
    const viewer = await shop.viewer();
    const order = await shop.topUp(viewer, 5_000);
    const [topUp] = await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [
      order.id,
    ]);
    const results = await Promise.all([
      ...Array.from({ length: 10 }, () => shop.buy(viewer, offer)),
      ...Array.from({ length: 10 }, () =>
        shop.desk.refunds.refundTransaction(viewer, {
          transactionId: topUp?.id as string,
          amount: 1_000,
          idempotencyKey: aKey(),
        }),
      ),
    ]);
    expect(results.filter((result) => result.errors.length === 0)).toHaveLength(5);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
    const payouts = results.filter((result) => 'refund' in result && result.refund);
    expect(await shop.refundedAtStripe(order)).toBe(payouts.length * 1_000);
  });

  test('a refund, a purchase and a dispute at once add up', async () => {
    const viewer = await shop.viewer(1_000);
    const order = await shop.buyByCard(viewer, offer);
    const grant = await shop.grantOf(order);
    const dispute = shop.sandbox.control.openDispute({
      paymentIntent: order.stripePaymentIntentId as string,
      reason: 'fraudulent',
    });
    const stripeDispute = await shop.stripe.disputes.retrieve(dispute.id);
    await Promise.all([
      shop.desk.refunds.refundGrant(viewer, { grantId: grant.id, destination: 'BALANCE', idempotencyKey: aKey() }),
      shop.buy(viewer, offer),
      shop.desk.disputes.applyDispute(stripeDispute, null),
      shop.desk.disputes.applyDispute(stripeDispute, null),
    ]);
    expect(await shop.discrepancies()).toEqual([]);
  });

  test('and after all of it the ledger adds up', async () => {
    expect(await shop.discrepancies()).toEqual([]);
  });
});
