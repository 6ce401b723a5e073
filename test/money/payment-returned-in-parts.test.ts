import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import { findGrant } from '../../src/services/grants/grants.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';
import { StripeSays } from '../support/stripe-says.js';

/** Rules 6, 7 and 9 on a card purchase of 300 for three days, with 300 in the balance. */
describe('a card payment of 300 that is returned in parts', () => {
  let shop: CardShop;
  let stripe: StripeSays;
  let offer: Offer;
  let viewer: Caller & { userId: string };
  let order: Order;
  let grantId: string;
  beforeAll(async () => {
    shop = await CardShop.open();
    stripe = new StripeSays(shop);
    offer = await shop.desk.putOnSale(100, 3);
  });
  beforeEach(async () => {
    viewer = await shop.viewer(300);
    order = await shop.buyByCard(viewer, offer);
    grantId = (await shop.grantOf(order)).id;
  });
  afterEach(async () => expect(await shop.discrepancies()).toEqual([]));
  afterAll(() => shop.close());

  const topUpId = async () =>
    (await shop.db.rows<{ id: string }>("select id from transactions where kind = 'TOP_UP' and order_id = $1", [order.id]))[0]
      ?.id as string;
  const refundPayment = async (amount: number) =>
    shop.desk.refunds.refundTransaction(ADMIN, { transactionId: await topUpId(), amount, idempotencyKey: aKey() });
  const refundToBalance = () => shop.desk.refunds.refundGrant(ADMIN, { grantId, destination: 'BALANCE', idempotencyKey: aKey() });
  const expectEnd = async (status: string, available: number) => {
    expect([await shop.grantStatus(grantId), await shop.balance(viewer)]).toEqual([
      status,
      expect.objectContaining({ posted: available, held: 0 }),
    ]);
  };
  /** What the viewer's counter accounts took: STRIPE got nothing of the card payment in the end, REVENUE `revenue`. */
  const expectAccounts = async (stripeTook: number, revenue: number) => {
    const rows = await shop.db.rows<{ account: string; sum: number }>(
      'select counter_account as account, (- sum(amount))::int as sum from transactions where user_id = $1 group by 1',
      [viewer.userId],
    );
    const sums = Object.fromEntries(rows.map(({ account, sum }) => [account, sum]));
    expect(sums).toMatchObject({ STRIPE: 0 - stripeTook, REVENUE: revenue, ADJUSTMENT: -300 });
  };

  test('100, then 200 refunded at Stripe end the grant and leave the balance as it was', async () => {
    await stripe.refunded(order, 100);
    await expectEnd('ACTIVE', 300);
    await stripe.refunded(order, 200);
    await expectEnd('REFUNDED', 300);
    await expectAccounts(0, 0);
  });

  test('100 refunded at Stripe, then a dispute of 200 lost revoke the grant and leave the balance as it was', async () => {
    await stripe.refunded(order, 100);
    await stripe.disputed(order, 'needs_response', [-200]);
    await expectEnd('SUSPENDED', 300);
    await stripe.disputed(order, 'lost', [-200]);
    await expectEnd('REVOKED', 300);
    await expectAccounts(0, 0);
  });

  test('a dispute of 200 lost, then 100 refunded at Stripe end the same', async () => {
    await stripe.disputed(order, 'lost', [-200]);
    await expectEnd('ACTIVE', 300);
    await stripe.refunded(order, 100);
    await expectEnd('REVOKED', 300);
    await expectAccounts(0, 0);
  });

  test('100 taken to the card after the grant expired, then 200 at Stripe credit the rest too', async () => {
    shop.clock.advanceDays(4);
    await shop.desk.grants.expireDue(100);
    expect((await refundPayment(100)).errors).toEqual([]);
    await expectEnd('EXPIRED', 200);
    await stripe.refunded(order, 200);
    await expectEnd('REFUNDED', 300);
    await expectAccounts(0, 0);
  });

  test('the grant refunded to the balance, then 300 at Stripe leave what the viewer had', async () => {
    expect((await refundToBalance()).refund?.amount).toBe(200);
    await stripe.refunded(order, 300);
    await expectEnd('REFUNDED', 300);
    await expectAccounts(0, 0);
  });

  test('the grant refunded to the card in part, then the rest at Stripe leave what the viewer had', async () => {
    expect((await shop.desk.refunds.refundGrant(ADMIN, { grantId, idempotencyKey: aKey() })).refund).toMatchObject({
      amount: 200,
      destination: 'CARD',
      status: 'SUCCEEDED',
    });
    await stripe.refunded(order, 100);
    await expectEnd('REFUNDED', 300);
    await expectAccounts(0, 0);
  });

  test('a lost dispute of 1 cent does not end the grant, whose other cents stay refundable, to the balance', async () => {
    await stripe.disputed(order, 'needs_response', [-1]);
    await stripe.disputed(order, 'lost', [-1]);
    await expectEnd('ACTIVE', 300);
    const toCard = await shop.desk.refunds.refundGrant(ADMIN, { grantId, destination: 'CARD', idempotencyKey: aKey() });
    expect(toCard.errors[0]).toMatchObject({ code: 'NOT_REFUNDABLE', reason: 'DISPUTED' });
    const { refund } = await shop.desk.refunds.refundGrant(ADMIN, { grantId, idempotencyKey: aKey() });
    expect(refund).toMatchObject({ amount: 199, destination: 'BALANCE' });
  });

  test('an expired grant is REFUNDED or REVOKED when all of its payment is returned, and stays when a part is', async () => {
    shop.clock.advanceDays(4);
    await shop.desk.grants.expireDue(100);
    await stripe.disputed(order, 'needs_response', [-100]);
    await expectEnd('EXPIRED', 300);
    await stripe.disputed(order, 'lost', [-100]);
    await expectEnd('EXPIRED', 300);
    await stripe.refunded(order, 200);
    await expectEnd('REVOKED', 300);
  });

  test('a part refunded at Stripe that fails later pays the grant again', async () => {
    const refund = await stripe.refunded(order, 100);
    await stripe.refund({ ...refund, status: 'failed', failure_reason: 'lost_or_stolen_card' });
    await expectEnd('ACTIVE', 300);
    await expectAccounts(300, 300);
  });

  test('a full refund at Stripe that fails later goes to the balance, for the grant has ended', async () => {
    const refund = await stripe.refunded(order, 300, { status: 'pending' });
    await expectEnd('REFUNDED', 300);
    await stripe.refund({ ...refund, status: 'failed', failure_reason: 'lost_or_stolen_card' });
    await stripe.refund({ ...refund, status: 'succeeded' });
    await expectEnd('REFUNDED', 600);
    await expectAccounts(300, 0);
  });

  test.each([['a refund'], ['a dispute']])('%s of what a revoked grant cost is credited first', async (what) => {
    await shop.desk.grants.revoke(ADMIN, { grantId, reason: 'shared the account' });
    if (what === 'a refund') await stripe.refunded(order, 300);
    else await stripe.disputed(order, 'lost', [-300]);
    await expectEnd('REVOKED', 300);
    expect(await findGrant(shop.db.database, grantId)).toMatchObject({ reason: 'shared the account' });
  });

  test('the payment cannot be refunded as a top-up while its grant lives, and can once the grant is refunded', async () => {
    for (const step of ['active', 'suspended', 'restored']) {
      if (step === 'suspended') await stripe.disputed(order, 'needs_response', [-300]);
      if (step === 'restored') await stripe.disputed(order, 'won', [-300, 300]);
      const { errors, refund } = await refundPayment(100);
      expect([step, errors[0]?.code, refund]).toEqual([step, 'NOT_REFUNDABLE', undefined]);
      const row = { kind: 'TOP_UP', orderId: order.id, userId: viewer.userId };
      expect(await shop.desk.refunds.refundables([row as never])).toEqual([0]);
    }
    await refundToBalance();
    expect((await refundPayment(200)).refund).toMatchObject({ amount: 200, destination: 'CARD', status: 'SUCCEEDED' });
    await expectEnd('REFUNDED', 300);
  });

  test('what was returned at Stripe is no longer part of the share that a refund gives', async () => {
    await stripe.refunded(order, 100);
    const { refund } = await shop.desk.refunds.refundGrant(ADMIN, { grantId, idempotencyKey: aKey() });
    expect(refund).toMatchObject({ unusedDays: 2, amount: 133, destination: 'CARD', status: 'SUCCEEDED' });
  });

  test('a share that rounds to zero is not called refunded', async () => {
    await stripe.refunded(order, 299);
    const { errors } = await shop.desk.refunds.refundGrant(ADMIN, { grantId, idempotencyKey: aKey() });
    expect(errors[0]).toMatchObject({
      code: 'NOT_REFUNDABLE',
      reason: 'NO_UNUSED_DAYS',
      message: 'The unused days are worth less than one minor unit of what was paid.',
    });
  });
});
