import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import type { Caller } from '../../src/services/caller.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { StripeSays } from '../support/stripe-says.js';

/** Rule 9 on a card purchase of 300 with 300 in the balance, and on a top-up. */
describe('the money of a dispute', () => {
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

  const standing = async () => [await shop.grantStatus(grantId), (await shop.balance(viewer)).posted];
  const movedAtStripe = async () =>
    (
      await shop.db.rows<{ sum: number }>(
        "select coalesce(sum(amount), 0)::int as sum from transactions where user_id = $1 and kind = 'DISPUTE' and counter_account = 'STRIPE'",
        [viewer.userId],
      )
    )[0]?.sum;

  test('that Stripe returned in part stays away in part, and the grant lives on', async () => {
    await stripe.disputed(order, 'needs_response', [-300]);
    await stripe.disputed(order, 'won', [-300, 200]);
    expect([...(await standing()), await movedAtStripe()]).toEqual(['ACTIVE', 300, -100]);
  });

  test('of a top-up that Stripe returned in part leaves the balance in part', async () => {
    const topUp = await shop.topUp(viewer, 1_000);
    await stripe.disputed(topUp, 'needs_response', [-1_000]);
    expect((await shop.balance(viewer)).posted).toBe(300);
    await stripe.disputed(topUp, 'lost', [-1_000, 400]);
    expect((await shop.balance(viewer)).posted).toBe(700);
  });

  test('that was lost and later won goes to the balance, for the grant was revoked', async () => {
    await stripe.disputed(order, 'lost', [-300]);
    expect(await standing()).toEqual(['REVOKED', 300]);
    await stripe.disputed(order, 'won', [-300]);
    expect(await standing()).toEqual(['REVOKED', 300]);
    await stripe.disputed(order, 'won', [-300, 300]);
    await stripe.disputed(order, 'lost', [-300]);
    expect(await standing()).toEqual(['REVOKED', 600]);
  });

  test('that grew after the withdrawal is taken as far as Stripe took it', async () => {
    await stripe.disputed(order, 'needs_response', [-200]);
    expect([...(await standing()), await movedAtStripe()]).toEqual(['SUSPENDED', 300, -200]);
    await stripe.disputed(order, 'needs_response', [-200, -100]);
    await stripe.disputed(order, 'needs_response', [-200]);
    expect([...(await standing()), await movedAtStripe()]).toEqual(['SUSPENDED', 300, -300]);
    await stripe.disputed(order, 'lost', [-200, -100]);
    expect(await standing()).toEqual(['REVOKED', 300]);
  });

  test('that is won before it is returned stays away until Stripe returns it', async () => {
    const topUp = await shop.topUp(viewer, 1_000);
    await stripe.disputed(topUp, 'needs_response', [-1_000]);
    await stripe.disputed(topUp, 'won', [-1_000]);
    expect((await shop.balance(viewer)).posted).toBe(300);
    await stripe.disputed(topUp, 'won', [-1_000, 1_000]);
    expect((await shop.balance(viewer)).posted).toBe(1_300);
  });

  test('that was never taken does not move, and the grant waits for the end of the dispute', async () => {
    await stripe.disputed(order, 'needs_response', [], { amount: 300 });
    expect((await standing())[0]).toBe('SUSPENDED');
    await stripe.disputed(order, 'won', [], { amount: 300 });
    expect([...(await standing()), await movedAtStripe()]).toEqual(['ACTIVE', 300, 0]);
  });

  test('is not moved by an inquiry, however it ends', async () => {
    for (const status of ['warning_needs_response', 'warning_under_review', 'warning_closed'] as const) {
      await stripe.disputed(order, status, [], { amount: 300 });
      expect([...(await standing()), await movedAtStripe()]).toEqual(['ACTIVE', 300, 0]);
    }
  });

  test('of two disputes at once: the grant is restored only when both are over', async () => {
    const second = { id: `du_second_${order.id}` };
    await stripe.disputed(order, 'needs_response', [-100]);
    await stripe.disputed(order, 'needs_response', [-200], second);
    await stripe.disputed(order, 'won', [-100, 100]);
    expect(await standing()).toEqual(['SUSPENDED', 300]);
    await stripe.disputed(order, 'lost', [-200], second);
    expect(await standing()).toEqual(['ACTIVE', 300]);
  });

  test.each([[['first', 'second']], [['second', 'first']]])(
    'of two disputes that took the payment twice comes back whole, the %j won first',
    async (wonInTurn) => {
      const more = { second: { id: `du_second_${order.id}` }, first: {} } as Record<string, object>;
      await stripe.disputed(order, 'needs_response', [-300], more.first);
      await stripe.disputed(order, 'needs_response', [-300], more.second);
      expect(await standing()).toEqual(['SUSPENDED', 0]);
      for (const which of wonInTurn) await stripe.disputed(order, 'won', [-300, 300], more[which]);
      expect(await standing()).toEqual(['ACTIVE', 300]);
    },
  );

  test('that comes back after the grant would have expired pays the grant, which keeps its dates', async () => {
    await stripe.disputed(order, 'needs_response', [-300]);
    shop.clock.advanceDays(4);
    await shop.desk.grants.expireDue(100);
    await stripe.disputed(order, 'won', [-300, 300]);
    expect(await standing()).toEqual(['EXPIRED', 300]);
  });

  test('in another currency is reported at once and moves nothing', async () => {
    const before = stripe.problems.length;
    expect(await stripe.disputed(order, 'needs_response', [-300], { currency: 'eur' })).toBe('REPORTED');
    expect(stripe.problems.slice(before)).toEqual([expect.stringMatching(/is in EUR, its order .* in USD: not booked/)]);
    expect(await standing()).toEqual(['ACTIVE', 300]);
  });

  test('notifies followers of the grant once for each change of the grant, and of nothing else', async () => {
    const grantEvents = async () =>
      (
        await shop.db.rows("select 1 from journal where user_id = $1 and kind = 'GRANT' and subject_id = $2", [
          viewer.userId,
          grantId,
        ])
      ).length;
    const bought = await grantEvents();
    expect(bought).toBe(1);
    const news: [() => Promise<unknown>, number][] = [
      [() => stripe.disputed(order, 'warning_needs_response', [], { amount: 300 }), 0],
      [() => stripe.disputed(order, 'needs_response', [-200]), 1],
      [() => stripe.disputed(order, 'needs_response', [-200]), 0],
      [() => stripe.disputed(order, 'under_review', [-200, -100]), 0],
      [() => stripe.disputed(order, 'lost', [-200, -100]), 1],
      [() => stripe.disputed(order, 'lost', [-200, -100]), 0],
      [() => stripe.disputed(order, 'won', [-200, -100, 300]), 0],
    ];
    let expected = bought;
    for (const [arrive, changes] of news) {
      await arrive();
      expected += changes;
      expect(await grantEvents()).toBe(expected);
    }
  });
});
