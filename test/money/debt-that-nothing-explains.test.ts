import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { findAfterDamage } from '../support/damage.js';
import { aKey } from '../support/shop.js';
import { refundOf, StripeSays } from '../support/stripe-says.js';

type Viewer = Awaited<ReturnType<CardShop['viewer']>>;

/** A balance is below zero only by what rules 7 to 9 took, to the cent; one cent more is found. */
describe('the verification of balances', () => {
  let shop: CardShop;
  let stripe: StripeSays;
  let plan: Offer;
  beforeAll(async () => {
    shop = await CardShop.open();
    stripe = new StripeSays(shop);
    plan = await shop.desk.putOnSale(100, 10);
  });
  afterAll(() => shop.close());

  const buy = async (viewer: Viewer) => expect((await shop.buy(viewer, plan)).errors).toEqual([]);
  const refundTopUp = async (viewer: Viewer, order: Order, amount: number): Promise<string> => {
    const [topUp] = await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [
      order.id,
    ]);
    const input = { transactionId: topUp?.id as string, amount, idempotencyKey: aKey() };
    const { refund, errors } = await shop.desk.refunds.refundTransaction(viewer, input);
    expect(errors).toEqual([]);
    return refund?.id as string;
  };
  /** A payout of 400 that was abandoned here, its money spent, and that succeeded at Stripe after all. */
  const paidOutAfterAll = async (viewer: Viewer) => {
    const order = await shop.topUp(viewer, 1_000);
    shop.sandbox.control.addFault({ kind: 'error_500', operation: 'refunds.create' });
    const id = await refundTopUp(viewer, order, 400);
    shop.sandbox.control.clearFaults();
    shop.clock.advanceDays(8);
    await shop.desk.payout.releaseStaleHolds(10);
    await buy(viewer);
    await stripe.refunded(order, 400, { metadata: { refund_id: id } });
  };
  /** A grant of 1000 by card that a refund at Stripe ended; the refund failed, so the money is the viewer's, who spent it. */
  const spentWhatFailedToLeave = async (viewer: Viewer): Promise<Order> => {
    const order = await shop.buyByCard(viewer, plan);
    const refund = refundOf(order, 1_000);
    await stripe.refund(refund);
    await stripe.refund({ ...refund, status: 'failed' });
    expect((await shop.balance(viewer)).posted).toBe(1_000);
    await buy(viewer);
    return order;
  };

  const histories: [string, number, (viewer: Viewer) => Promise<unknown>][] = [
    [
      'a dispute took a top-up that was spent',
      -1_000,
      async (viewer) => {
        const order = await shop.topUp(viewer, 1_000);
        await buy(viewer);
        await stripe.disputed(order, 'needs_response', [-1_000]);
      },
    ],
    [
      'a refund at Stripe took part of a top-up that was spent',
      -300,
      async (viewer) => {
        const order = await shop.topUp(viewer, 1_000);
        await buy(viewer);
        await stripe.refunded(order, 300);
      },
    ],
    ['an abandoned payout succeeded after its money was spent', -400, paidOutAfterAll],
    [
      'a dispute took what came back from Stripe and was spent',
      -1_000,
      async (viewer) => stripe.disputed(await spentWhatFailedToLeave(viewer), 'needs_response', [-1_000]),
    ],
    [
      'a dispute took a top-up that was spent, and returned all of it',
      0,
      async (viewer) => {
        const order = await shop.topUp(viewer, 1_000);
        await buy(viewer);
        await stripe.disputed(order, 'needs_response', [-1_000]);
        await stripe.disputed(order, 'won', [-1_000, 1_000]);
      },
    ],
    [
      'a dispute took the payment of a grant, whose price was credited before',
      0,
      async (viewer) => stripe.disputed(await shop.buyByCard(viewer, plan), 'needs_response', [-1_000]),
    ],
    [
      'refunds at Stripe and a dispute took the payment of a grant in parts',
      0,
      async (viewer) => {
        const order = await shop.buyByCard(viewer, plan);
        await stripe.refunded(order, 100);
        await stripe.refunded(order, 200);
        await stripe.disputed(order, 'lost', [-700]);
      },
    ],
    [
      'all that was paid in was paid out to the card',
      0,
      async (viewer) => void (await refundTopUp(viewer, await shop.topUp(viewer, 1_000), 1_000)),
    ],
    [
      'a refund of a grant to the card was abandoned, its money spent, and succeeded after all',
      -900,
      async (viewer) => {
        const order = await shop.buyByCard(viewer, plan);
        shop.sandbox.control.addFault({ kind: 'error_500', operation: 'refunds.create' });
        const grantId = (await shop.grantOf(order)).id;
        const { refund } = await shop.desk.refunds.refundGrant(viewer, { grantId, idempotencyKey: aKey() });
        shop.sandbox.control.clearFaults();
        shop.clock.advanceDays(8);
        await shop.desk.payout.releaseStaleHolds(10);
        expect((await shop.buy(viewer, await shop.desk.putOnSale(90, 10))).errors).toEqual([]);
        await stripe.refunded(order, 900, { metadata: { refund_id: refund?.id as string } });
      },
    ],
  ];
  test.each(histories)('accepts the balance after %s, and not a cent less', async (_history, lowest, live) => {
    const viewer = await shop.viewer();
    await live(viewer);
    const { posted, held } = await shop.balance(viewer);
    expect(posted - held).toBe(lowest);
    const { database } = shop.db;
    const ofViewer = async (...statements: string[]) =>
      (await findAfterDamage(database, statements)).filter(
        ({ userId, rule }) => userId === viewer.userId && rule === 'AVAILABLE_IS_NOT_NEGATIVE',
      );
    expect(await findAfterDamage(database, [])).toEqual([]);
    expect(await ofViewer(`update balances set held = held + 1 where user_id = '${viewer.userId}'`)).toMatchObject([
      { expected: `at least ${lowest}`, found: String(lowest - 1) },
    ]);
  });
});
