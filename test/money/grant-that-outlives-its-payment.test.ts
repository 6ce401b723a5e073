import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import type { Offer } from '../../src/services/purchases/offer.js';
import { CardShop } from '../support/card-shop.js';
import { findAfterDamage } from '../support/damage.js';
import { ADMIN, aKey } from '../support/shop.js';
import { refundOf, StripeSays } from '../support/stripe-says.js';

const RULE = 'LIVING_GRANT_MATCHES_WHAT_ITS_PAYMENT_LOST';

/** A grant of 1000 by card. Each history is sound and ends with a grant that was not refunded or revoked. */
describe('the verification of grants whose payment was returned in part', () => {
  let shop: CardShop;
  let stripe: StripeSays;
  let plan: Offer;
  beforeAll(async () => {
    shop = await CardShop.open();
    stripe = new StripeSays(shop);
    plan = await shop.desk.putOnSale(100, 10);
  });
  afterAll(() => shop.close());

  const expire = async () => {
    shop.clock.advanceDays(11);
    await shop.desk.grants.expireDue(100);
  };
  /** Rule 6: by an admin, once the grant is over. */
  const refundPayment = async (order: Order, amount: number) => {
    const [topUp] = await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [
      order.id,
    ]);
    const input = { transactionId: topUp?.id as string, amount, idempotencyKey: aKey() };
    expect((await shop.desk.refunds.refundTransaction(ADMIN, input)).errors).toEqual([]);
  };
  const found = async (...statements: string[]) =>
    (await findAfterDamage(shop.db.database, statements)).filter(({ rule }) => rule === RULE);
  /** As if what was posted to REVENUE, a credit (+) or its repayment (-), had been posted for another reason. */
  const forAnotherReason = (order: Order, sign: '>' | '<') =>
    `update transactions set kind = 'ADJUSTMENT', counter_account = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id, dispute_id = null,
       refund_id = null where order_id = '${order.id}' and counter_account = 'REVENUE' and kind <> 'SPENDING' and amount ${sign} 0`;
  const capturedOnly = (order: Order, amount: number) => `update orders set captured_amount = ${amount} where id = '${order.id}'`;

  const histories: [string, string, (order: Order) => Promise<unknown>, (order: Order) => string[]][] = [
    [
      'a refund of 300 at Stripe',
      'ACTIVE',
      (order) => stripe.refunded(order, 300),
      (order) => [forAnotherReason(order, '>'), capturedOnly(order, 300)],
    ],
    [
      'a refund of 300 at Stripe that failed later',
      'ACTIVE',
      async (order) => {
        const refund = refundOf(order, 300);
        await stripe.refund(refund);
        await stripe.refund({ ...refund, status: 'failed' });
      },
      (order) => [forAnotherReason(order, '>'), forAnotherReason(order, '<')],
    ],
    [
      'a refund of 300 at Stripe and one of 600 that had failed',
      'ACTIVE',
      async (order) => {
        await stripe.refunded(order, 300);
        await stripe.refunded(order, 600, { status: 'failed' });
      },
      (order) => [capturedOnly(order, 300)],
    ],
    [
      'a dispute of 400 that is open',
      'SUSPENDED',
      (order) => stripe.disputed(order, 'needs_response', [-400]),
      (order) => [
        forAnotherReason(order, '>'),
        `update disputes set outcome = 'LOST', withdrawn = 1000 where order_id = '${order.id}'`,
      ],
    ],
    [
      'a dispute of all of it that is open',
      'SUSPENDED',
      (order) => stripe.disputed(order, 'needs_response', [-1_000]),
      (order) => [`update disputes set outcome = 'LOST' where order_id = '${order.id}'`],
    ],
    [
      'a lost dispute of 400',
      'ACTIVE',
      (order) => stripe.disputed(order, 'lost', [-400]),
      (order) => [forAnotherReason(order, '>'), capturedOnly(order, 400)],
    ],
    [
      'a won dispute of all of it that Stripe has not returned yet',
      'ACTIVE',
      async (order) => {
        await stripe.disputed(order, 'needs_response', [-1_000]);
        await stripe.disputed(order, 'won', [-1_000]);
      },
      (order) => [`update disputes set outcome = 'LOST' where order_id = '${order.id}'`],
    ],
    [
      'a won dispute of 1000 of which Stripe returned 600',
      'ACTIVE',
      async (order) => {
        await stripe.disputed(order, 'needs_response', [-1_000]);
        await stripe.disputed(order, 'won', [-1_000, 600]);
      },
      (order) => [forAnotherReason(order, '<'), capturedOnly(order, 400)],
    ],
    [
      'a won dispute of which Stripe returned more than it took',
      'ACTIVE',
      async (order) => {
        await stripe.disputed(order, 'needs_response', [-500]);
        await stripe.disputed(order, 'won', [-500, 510]);
      },
      (order) => [forAnotherReason(order, '<')],
    ],
    [
      'a refund of 600 at Stripe and an open dispute of 600, together more than was paid',
      'SUSPENDED',
      async (order) => {
        await stripe.refunded(order, 600);
        await stripe.disputed(order, 'needs_response', [-600]);
      },
      (order) => [forAnotherReason(order, '>')],
    ],
    [
      'its expiry, a refund of 300 at Stripe and one of the rest by us',
      'EXPIRED',
      async (order) => {
        await expire();
        await stripe.refunded(order, 300);
        shop.clock.advanceMs(1_000);
        await refundPayment(order, 700);
      },
      // As if Stripe's refund had come last: then the grant has ended.
      (order) => [
        `update refunds set created_at = created_at + interval '1 hour' where origin = 'STRIPE' and order_id = '${order.id}'`,
      ],
    ],
    [
      'the end of its time before the job saw it, a refund of 300 at Stripe and one of the rest by us',
      'ACTIVE',
      async (order) => {
        shop.clock.advanceDays(11);
        await stripe.refunded(order, 300);
        shop.clock.advanceMs(1_000);
        await refundPayment(order, 700);
      },
      (order) => [
        `update refunds set created_at = created_at - interval '1 hour' where origin = 'REQUEST' and order_id = '${order.id}'`,
      ],
    ],
    [
      'a dispute that took nothing in the end, its expiry and a refund of all of it by us',
      'EXPIRED',
      async (order) => {
        await stripe.disputed(order, 'needs_response', [-1_000]);
        await stripe.disputed(order, 'won', [-1_000, 1_000]);
        await expire();
        await refundPayment(order, 400);
        await refundPayment(order, 600);
      },
      (order) => [
        `update disputes set reinstated = 999, updated_at = updated_at + interval '1 year' where order_id = '${order.id}'`,
      ],
    ],
    [
      'its expiry, a refund of all of it by us and an inquiry',
      'EXPIRED',
      async (order) => {
        await expire();
        await refundPayment(order, 1_000);
        shop.clock.advanceMs(1_000);
        await stripe.disputed(order, 'warning_needs_response', []);
      },
      (order) => [`update disputes set outcome = 'LOST', withdrawn = 1 where order_id = '${order.id}'`],
    ],
    [
      'its expiry, refunds of 200 at Stripe and 300 by us and a lost dispute of 100',
      'EXPIRED',
      async (order) => {
        await expire();
        await stripe.refunded(order, 200);
        shop.clock.advanceMs(1_000);
        await refundPayment(order, 300);
        shop.clock.advanceMs(1_000);
        await stripe.disputed(order, 'lost', [-100]);
      },
      (order) => [capturedOnly(order, 600)],
    ],
    [
      'an open dispute of 1000, of which Stripe returned 400 that it refunded',
      'SUSPENDED',
      async (order) => {
        await stripe.disputed(order, 'needs_response', [-1_000]);
        await stripe.disputed(order, 'needs_response', [-1_000, 400]);
        await stripe.refunded(order, 400);
      },
      (order) => [`update disputes set outcome = 'WON' where order_id = '${order.id}'`],
    ],
  ];
  test.each(histories)('accepts a grant after %s, and finds damage to it', async (_history, status, live, damages) => {
    // With money, so that a refund of the payment can be asked for.
    const viewer = await shop.viewer(1_000);
    const order = await shop.buyByCard(viewer, plan);
    await live(order);
    expect(await shop.grantStatus((await shop.grantOf(order)).id)).toBe(status);
    expect(await findAfterDamage(shop.db.database, [])).toEqual([]);
    for (const damage of damages(order)) expect([damage, await found(damage)]).toEqual([damage, [expect.anything()]]);
  });
});
