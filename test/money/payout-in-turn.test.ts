import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import { PAYOUT_LEASE_MS } from '../../src/services/refunds/payout.js';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;

describe('payouts are made once', () => {
  let shop: CardShop;
  let viewer: Awaited<ReturnType<CardShop['viewer']>>;
  beforeEach(async () => {
    shop = await CardShop.open();
    viewer = await shop.viewer();
  });
  afterEach(async () => {
    expect(await shop.discrepancies()).toEqual([]);
    await shop.close();
  });

  const topUpIdOf = async (order: Order) =>
    (await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [order.id]))[0]
      ?.id as string;
  /** A refund that Stripe was away for. */
  const leftOver = async (): Promise<{ order: Order; id: string }> => {
    const order = await shop.topUp(viewer, 1_000);
    shop.sandbox.control.addFault({ kind: 'error_500', operation: 'refunds.create' });
    const input = { transactionId: await topUpIdOf(order), idempotencyKey: aKey() };
    const { refund } = await shop.desk.refunds.refundTransaction(viewer, input);
    shop.sandbox.control.clearFaults();
    return { order, id: refund?.id as string };
  };
  /** Does something more whenever Stripe has made a refund. */
  const afterEachRefundAtStripe = (more: () => Promise<void> | void) => {
    const { refunds } = shop.stripe;
    const create = refunds.create.bind(refunds);
    refunds.create = (async (...given: Parameters<typeof create>) => {
      const made = await create(...given);
      await more();
      return made;
    }) as never;
  };
  const statusOf = async ({ id }: { id: string }) => (await shop.refund(id)).status;

  test('a payout that is abandoned while an earlier one of the batch takes its time is not made', async () => {
    const late = await leftOver();
    shop.clock.advanceMs(DAY_MS);
    const slow = await leftOver();
    shop.clock.advanceMs(6 * DAY_MS - PAYOUT_LEASE_MS);
    await shop.db.rows('update refunds set next_attempt_at = created_at where id = $1', [late.id]);
    await shop.db.rows("update refunds set next_attempt_at = created_at - interval '2 days' where id = $1", [slow.id]);
    afterEachRefundAtStripe(async () => {
      shop.clock.advanceMs(PAYOUT_LEASE_MS + 1);
      await shop.desk.payout.releaseStaleHolds(10);
    });
    expect(await shop.desk.payout.resumeDue(10)).toBe(1);
    expect([await statusOf(slow), await statusOf(late)]).toEqual(['SUCCEEDED', 'FAILED']);
    expect(await shop.refundedAtStripe(late.order)).toBe(0);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 1_000, held: 0 });
  });

  test('a worker that is asked to stop leaves the rest of its batch to the next one', async () => {
    await leftOver();
    await leftOver();
    shop.clock.advanceMs(PAYOUT_LEASE_MS);
    const stopping = new AbortController();
    afterEachRefundAtStripe(() => stopping.abort());
    expect(await shop.desk.payout.resumeDue(10, stopping.signal)).toBe(1);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 1_000, held: 1_000 });
    expect(await shop.desk.payout.resumeDue(10)).toBe(1);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 0, held: 0 });
  });

  test.each([
    ['from the moment when the job may take it', PAYOUT_LEASE_MS],
    ['days later, when Stripe has forgotten that', 3 * DAY_MS],
  ])('one that Stripe made and was not heard of is not made again by its key, %s', async (_when, laterMs) => {
    const order = await shop.topUp(viewer, 1_000);
    const input = { transactionId: await topUpIdOf(order), amount: 400, idempotencyKey: aKey() };
    let dies = true;
    afterEachRefundAtStripe(() => {
      if (dies) throw new Error('killed');
    });
    await expect(shop.desk.refunds.refundTransaction(viewer, input)).rejects.toThrow('killed');
    dies = false;
    shop.clock.advanceMs(laterMs);
    const { refund } = await shop.desk.refunds.refundTransaction(viewer, input);
    expect(refund?.status).toBe('PENDING');
    expect(await shop.desk.payout.resumeDue(10)).toBe(1);
    expect(await statusOf({ id: refund?.id as string })).toBe('SUCCEEDED');
    expect(await shop.refundedAtStripe(order)).toBe(400);
    expect(await shop.balance(viewer)).toMatchObject({ posted: 600, held: 0 });
  });

  test('one that Stripe has not finished is looked at again after an hour, and not before', async () => {
    const order = await shop.topUp(viewer, 1_000);
    shop.sandbox.control.addFault({ kind: 'refund_pending', count: 1 });
    const input = { transactionId: await topUpIdOf(order), idempotencyKey: aKey() };
    const { refund } = await shop.desk.refunds.refundTransaction(viewer, input);
    expect(refund).toMatchObject({ status: 'PENDING', stripeRefundId: expect.any(String) });
    shop.clock.advanceMs(HOUR_MS - 1);
    expect(await shop.desk.payout.resumeDue(10)).toBe(0);
    shop.clock.advanceMs(1);
    expect(await shop.desk.payout.resumeDue(10)).toBe(1);
    expect(await shop.desk.payout.resumeDue(10)).toBe(0);
  });
});
