import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Balance } from '../../src/entities/balance.js';
import type { Caller } from '../../src/services/caller.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { ADMIN, aKey } from '../support/shop.js';
import { testServices } from '../support/test-services.js';

/** Rule 14: the same key and input gives the same references and the balance as it was then; entities show their present state. */
describe('a request that is sent again with its key', () => {
  let shop: CardShop;
  let offer: Offer;
  let viewer: Caller & { userId: string };
  beforeEach(async () => {
    shop = await CardShop.open();
    offer = await shop.desk.putOnSale(100, 10);
    viewer = await shop.viewer(5_000);
  });
  afterEach(() => shop.close());

  const amounts = (balance: Balance | undefined) => balance && [balance.posted, balance.held, balance.version, balance.updatedAt];
  const moneyMovesOn = async () => {
    shop.clock.advanceDays(1);
    await shop.buy(viewer, await shop.desk.putOnSale(7, 1));
  };
  const topUpId = async () =>
    (await shop.db.rows<{ id: string }>("select id from transactions where kind = 'TOP_UP' order by version desc"))[0]
      ?.id as string;

  test('for a refund of a grant to the balance has the balance of the first answer', async () => {
    const { grant } = await shop.buy(viewer, offer);
    const input = { grantId: grant?.id as string, idempotencyKey: aKey() };
    const first = await shop.desk.refunds.refundGrant(viewer, input);
    await moneyMovesOn();
    const again = await shop.desk.refunds.refundGrant(viewer, input);
    expect(amounts(first.balance)?.[0]).toBe(4_900);
    expect(amounts(again.balance)).toEqual(amounts(first.balance));
    expect(again.refund).toEqual(first.refund);
    expect(again.grant).toEqual(first.grant);
  });

  test('for a refund to the card has the balance of the first answer, and the refund as it is now', async () => {
    const order = await shop.buyByCard(viewer, offer);
    shop.sandbox.control.addFault({ kind: 'refund_pending', count: 1 });
    const input = { grantId: (await shop.grantOf(order)).id, idempotencyKey: aKey() };
    const first = await shop.desk.refunds.refundGrant(viewer, input);
    expect(first).toMatchObject({ refund: { status: 'PENDING' }, balance: { posted: 5_900, held: 900 } });
    shop.sandbox.control.succeedRefund(first.refund?.stripeRefundId as string);
    await shop.applyRefund(first.refund?.stripeRefundId as string);
    await moneyMovesOn();
    const again = await shop.desk.refunds.refundGrant(viewer, input);
    expect(again.refund).toMatchObject({ id: first.refund?.id, status: 'SUCCEEDED' });
    expect(amounts(again.balance)).toEqual(amounts(first.balance));
  });

  test('for a refund of a top-up has the balance after the payout, as the first answer had', async () => {
    await shop.topUp(viewer, 1_000);
    const input = { transactionId: await topUpId(), amount: 400, idempotencyKey: aKey() };
    const first = await shop.desk.refunds.refundTransaction(viewer, input);
    expect(first).toMatchObject({ refund: { status: 'SUCCEEDED' }, balance: { posted: 5_600, held: 0 } });
    await moneyMovesOn();
    const again = await shop.desk.refunds.refundTransaction(viewer, input);
    expect(again.refund?.id).toBe(first.refund?.id);
    expect(amounts(again.balance)).toEqual(amounts(first.balance));
    const conflict = await shop.desk.refunds.refundTransaction(viewer, { ...input, amount: 401 });
    expect(conflict.errors[0]?.code).toBe('IDEMPOTENCY_CONFLICT');
  });

  test('for an adjustment has the balance of the first answer, with its instants', async () => {
    const input = { userId: viewer.userId, amount: 250, currency: 'USD', reason: 'goodwill', idempotencyKey: aKey() };
    const first = await shop.desk.adjustments.adjust(ADMIN, input);
    await moneyMovesOn();
    const again = await shop.desk.adjustments.adjust(ADMIN, input);
    expect(again.transaction).toEqual(first.transaction);
    expect(amounts(again.balance)).toEqual(amounts(first.balance));
    expect(again.balance?.updatedAt).toBeInstanceOf(Date);
  });

  test('for an adjustment is answered although such an adjustment would be refused by now', async () => {
    const input = { userId: viewer.userId, amount: 250, currency: 'USD', reason: 'goodwill', idempotencyKey: aKey() };
    const first = await shop.desk.adjustments.adjust(ADMIN, input);
    const environment = { ADJUSTMENT_MAXIMUM_MINOR_UNITS: '100' };
    const { adjustments: stricter } = testServices({ database: shop.db.database, clock: shop.clock, environment });
    expect((await stricter.adjust(ADMIN, input)).transaction?.id).toBe(first.transaction?.id);
    const withNewKey = await stricter.adjust(ADMIN, { ...input, idempotencyKey: aKey() });
    expect(withNewKey.errors[0]?.code).toBe('AMOUNT_OUT_OF_BOUNDS');
  });

  test('for a purchase from the balance has the balance of the first answer, and the grant as it is now', async () => {
    const key = aKey();
    const first = await shop.buy(viewer, offer, key);
    await moneyMovesOn();
    await shop.desk.grants.revoke(ADMIN, { grantId: first.grant?.id as string, reason: 'test' });
    const again = await shop.buy(viewer, offer, key);
    expect(again.grant).toMatchObject({ id: first.grant?.id, status: 'REVOKED' });
    expect([again.balance?.posted, again.balance?.held, again.balance?.version]).toEqual([4_000, 0, 2]);
  });

  test('all at once gives all of them the same answer, though the payout ends between them', async () => {
    const order = await shop.buyByCard(viewer, offer);
    const input = { grantId: (await shop.grantOf(order)).id, idempotencyKey: aKey() };
    const answers = await Promise.all(Array.from({ length: 10 }, () => shop.desk.refunds.refundGrant(viewer, input)));
    expect(answers.flatMap(({ errors }) => errors)).toEqual([]);
    expect(new Set(answers.map(({ refund }) => refund?.id)).size).toBe(1);
    expect(new Set(answers.map(({ balance }) => JSON.stringify(amounts(balance)))).size).toBe(1);
    expect(await shop.refundedAtStripe(order)).toBe(900);
  });

  test('that was refused before is checked again: a refusal is not kept', async () => {
    const { grant } = await shop.buy(viewer, await shop.desk.putOnSale(100, 1));
    const input = { grantId: grant?.id as string, idempotencyKey: aKey() };
    expect((await shop.desk.refunds.refundGrant(viewer, input)).errors[0]?.code).toBe('NOT_REFUNDABLE');
    const other = await shop.buy(viewer, offer);
    const { errors } = await shop.desk.refunds.refundGrant(viewer, { ...input, grantId: other.grant?.id as string });
    expect(errors).toEqual([]);
  });
});

describe('a free plan', () => {
  let shop: CardShop;
  let viewer: Caller & { userId: string };
  beforeEach(async () => {
    shop = await CardShop.open();
    viewer = await shop.viewer();
    const topUp = await shop.topUp(viewer, 1_000);
    await shop.buy(viewer, await shop.desk.putOnSale(100, 10));
    const paymentIntent = topUp.stripePaymentIntentId as string;
    await shop.applyRefund(shop.sandbox.control.refundInDashboard({ paymentIntent }).id);
    expect(await shop.balance(viewer)).toMatchObject({ posted: -1_000 });
  });
  afterEach(async () => {
    expect(await shop.discrepancies()).toEqual([]);
    await shop.close();
  });

  test('is given to a viewer below zero from the balance, which stays as it is', async () => {
    const { grant, errors } = await shop.buy(viewer, await shop.desk.putOnSale(0, 10));
    expect([grant?.status, errors]).toEqual(['ACTIVE', []]);
    expect(await shop.balance(viewer)).toMatchObject({ posted: -1_000, held: 0 });
  });

  test('is given to a viewer below zero by way of the checkout, which takes no money', async () => {
    const order = await shop.buyByCard(viewer, await shop.desk.putOnSale(0, 10));
    expect([order.status, (await shop.grantOf(order)).status]).toEqual(['PAID', 'ACTIVE']);
    expect(await shop.balance(viewer)).toMatchObject({ posted: -1_000, held: 0 });
  });

  test('is given to a viewer who has no balance yet', async () => {
    const { grant } = await shop.buy(await shop.viewer(), await shop.desk.putOnSale(0, 10));
    expect(grant?.status).toBe('ACTIVE');
  });
});
