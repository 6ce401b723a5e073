import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import { newId } from '../../src/services/ids.js';
import { CardShop } from '../support/card-shop.js';
import { findAfterDamage } from '../support/damage.js';
import { ADMIN, aKey } from '../support/shop.js';

type Viewer = Awaited<ReturnType<CardShop['viewer']>>;

/**
 * A ledger in which everything has happened that moves money, so that whatever is damaged can be found by the rule that it
 * breaks, and by no other: a rule with a clause less finds less, or finds fault with what is sound.
 */
describe('the verification of a ledger in which everything has happened', () => {
  let shop: CardShop;
  /** Bought, refunded, disputed; `poor` has only refunds asked for here, the other two are below zero with good reason. */
  let viewer: Viewer;
  let poor: Viewer;
  let chargedBack: Viewer;
  let refundedAtStripe: Viewer;

  beforeAll(async () => {
    shop = await CardShop.open();
    const { control } = shop.sandbox;
    const plan = await shop.desk.putOnSale(100, 10);
    const free = await shop.desk.putOnSale(0, 10);
    viewer = await shop.viewer(20_000);
    const refundTopUp = async (who: Viewer, order: Order, amount: number) => {
      const [topUp] = await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [
        order.id,
      ]);
      const input = { transactionId: topUp?.id as string, amount, idempotencyKey: aKey() };
      const { refund, errors } = await shop.desk.refunds.refundTransaction(who, input);
      expect(errors).toEqual([]);
      return refund?.stripeRefundId as string;
    };
    const refundGrant = async (who: Viewer, grantId: string) => {
      const { refund, errors } = await shop.desk.refunds.refundGrant(who, { grantId, idempotencyKey: aKey() });
      expect(errors).toEqual([]);
      return refund?.stripeRefundId as string;
    };
    const failAtStripe = async (stripeRefundId: string) => {
      control.failRefund(stripeRefundId, 'lost_or_stolen_card');
      await shop.applyRefund(stripeRefundId);
    };
    const pendingAtStripe = () => control.addFault({ kind: 'refund_pending', count: 1 });
    const refundInDashboard = async (order: Order, amount?: number) =>
      shop.applyRefund(control.refundInDashboard({ paymentIntent: order.stripePaymentIntentId as string, amount }).id);
    const dispute = async (order: Order, outcome?: 'won' | 'lost') => {
      const { id } = control.openDispute({ paymentIntent: order.stripePaymentIntentId as string, reason: 'fraudulent' });
      await shop.desk.disputes.applyDispute(await shop.stripe.disputes.retrieve(id), null);
      if (!outcome) return;
      control.closeDispute(id, outcome);
      await shop.desk.disputes.applyDispute(await shop.stripe.disputes.retrieve(id), null);
    };

    await shop.desk.grants.gift(ADMIN, {
      userId: viewer.userId,
      subscriptionId: plan.subscriptionId,
      reason: 'a lost parcel',
      idempotencyKey: aKey(),
    });
    await shop.buy(viewer, plan);
    await refundGrant(viewer, (await shop.buy(viewer, await shop.desk.putOnSale(90, 10))).grant?.id as string);
    const couponed = (
      await shop.desk.purchases.purchase(viewer, {
        subscriptionId: plan.subscriptionId,
        payWith: 'CARD',
        idempotencyKey: aKey(),
      })
    ).order as Order;
    control.pay(couponed.stripeSessionId as string, { card: '4242424242424242' });
    const session = await shop.stripe.checkout.sessions.retrieve(couponed.stripeSessionId as string);
    await shop.desk.fulfilment.applyCheckoutSession({ ...session, amount_total: 505 }, null);
    await refundGrant(viewer, (await shop.grantOf(await shop.buyByCard(viewer, plan))).id);
    await failAtStripe(await refundGrant(viewer, (await shop.grantOf(await shop.buyByCard(viewer, plan))).id));
    await shop.buyByCard(viewer, free);
    await refundInDashboard(await shop.buyByCard(viewer, plan));
    await dispute(await shop.buyByCard(viewer, plan));
    await dispute(await shop.buyByCard(viewer, plan), 'won');
    await dispute(await shop.buyByCard(viewer, plan), 'lost');

    const inFull = await shop.topUp(viewer, 2_000);
    pendingAtStripe();
    await failAtStripe(await refundTopUp(viewer, inFull, 300));
    await refundTopUp(viewer, inFull, 2_000);
    pendingAtStripe();
    await refundTopUp(viewer, await shop.topUp(viewer, 1_000), 500);
    pendingAtStripe();
    await refundTopUp(viewer, await shop.topUp(viewer, 1_100), 600);
    const toBalanceFirst = await shop.buyByCard(viewer, plan);
    const toBalance = {
      grantId: (await shop.grantOf(toBalanceFirst)).id,
      destination: 'BALANCE' as const,
      idempotencyKey: aKey(),
    };
    expect((await shop.desk.refunds.refundGrant(viewer, toBalance)).errors).toEqual([]);
    await refundInDashboard(toBalanceFirst);
    const inPart = await shop.topUp(viewer, 900);
    pendingAtStripe();
    await refundInDashboard(inPart, 400);

    poor = await shop.viewer(300);
    const inParts = await shop.topUp(poor, 700);
    await refundTopUp(poor, inParts, 300);
    await refundTopUp(poor, inParts, 400);
    await refundTopUp(poor, await shop.topUp(poor, 600), 100);
    const spentAll = await shop.viewer(1_000);
    await shop.buy(spentAll, plan);
    chargedBack = await shop.viewer();
    const lost = await shop.topUp(chargedBack, 1_000);
    await shop.buy(chargedBack, plan);
    await dispute(lost, 'lost');
    refundedAtStripe = await shop.viewer();
    const takenBack = await shop.topUp(refundedAtStripe, 1_000);
    await shop.buy(refundedAtStripe, plan);
    await refundInDashboard(takenBack);
    await shop.desk.purchases.purchase(poor, {
      subscriptionId: plan.subscriptionId,
      payWith: 'CARD',
      idempotencyKey: aKey(),
    });
    await shop.desk.purchases.topUp(poor, { amount: 500, currency: 'USD', idempotencyKey: aKey() });
  });
  afterAll(() => shop.close());

  const examined = (...statements: string[]) => findAfterDamage(shop.db.database, statements);
  const isOfJournal = ({ rule }: { rule: string }) => rule.startsWith('JOURNAL_') || rule === 'MANUAL_CHANGE_HAS_ITS_AUDIT_ENTRY';
  /** The rules of the ledger itself; those of the journal and the audit notice any change of a row. */
  const brokenBy = async (...statements: string[]) => {
    const found = (await examined(...statements)).filter((finding) => !isOfJournal(finding));
    return [...new Set(found.map(({ rule }) => rule))].sort();
  };

  test('finds nothing where nothing is wrong', async () => {
    expect(await examined()).toEqual([]);
    expect((await shop.balance(chargedBack)).posted).toBeLessThan(0);
    expect((await shop.balance(refundedAtStripe)).posted).toBeLessThan(0);
    const statuses = await shop.db.rows('select distinct origin, destination, status from refunds order by 1, 2, 3');
    expect(statuses).toHaveLength(6);
    expect(await shop.db.rows('select distinct status from holds')).toHaveLength(3);
  });

  test('says what it expected and what it found', async () => {
    const inDebt = (who: Viewer) => ({
      userId: who.userId,
      rule: 'AVAILABLE_IS_NOT_NEGATIVE',
      expected: 'at least 0',
      found: '-1',
    });
    expect(await examined(`update balances set held = 801 ${ofPoor()}`)).toContainEqual(inDebt(poor));
    const tooMuch = `update refunds set amount = 401 where user_id = '${poor.userId}' and amount = 400`;
    expect(await examined(tooMuch)).toContainEqual(
      expect.objectContaining({ expected: 'at most 700', found: expect.stringMatching(/^701 for order/) }),
    );
  });

  const balanceOf = (who: () => Viewer) => () => `where user_id = '${who().userId}'`;
  const ofPoor = balanceOf(() => poor);
  const refundWhere = (condition: string) => `where id = (select id from refunds where ${condition} order by id limit 1)`;
  const holdOf = (condition: string) =>
    `where refund_id = (select refund_id from holds join refunds r on r.id = refund_id where ${condition} order by refund_id limit 1)`;
  const grantWhere = (condition: string) => `where id = (select id from grants where ${condition} order by id limit 1)`;
  const stranger = newId();

  test.each<[string, () => string[], string[]]>([
    ['less held than its holds', () => [`update balances set held = held - 1 where held > 0`], ['HELD_IS_SUM_OF_PENDING_HOLDS']],
    [
      'a hold that is resolved while its balance still holds it',
      () => [`update holds set status = 'RELEASED', resolved_at = now() where status = 'PENDING'`],
      ['HELD_IS_SUM_OF_PENDING_HOLDS', 'REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a hold of another viewer',
      () => [`update holds set user_id = '${poor.userId}' where status = 'PENDING'`],
      ['HELD_IS_SUM_OF_PENDING_HOLDS'],
    ],
    [
      'an overdraft of who only asked for refunds here',
      () => [`update balances set posted = -1 ${ofPoor()}`],
      ['ACCOUNTS_SUM_TO_ZERO', 'AVAILABLE_IS_NOT_NEGATIVE', 'BALANCE_IS_SUM_OF_TRANSACTIONS'],
    ],
    [
      'more held than there is',
      () => [`update balances set held = 801 ${ofPoor()}`],
      ['AVAILABLE_IS_NOT_NEGATIVE', 'HELD_IS_SUM_OF_PENDING_HOLDS'],
    ],
    ['all held that there is', () => [`update balances set held = 800 ${ofPoor()}`], ['HELD_IS_SUM_OF_PENDING_HOLDS']],
    [
      'a balance a cent too low',
      () => [`update balances set posted = posted - 1 ${ofPoor()}`],
      ['ACCOUNTS_SUM_TO_ZERO', 'BALANCE_IS_SUM_OF_TRANSACTIONS'],
    ],
    [
      'a balance whose version is behind its last transaction',
      () => [`update balances set version = version - 1 ${ofPoor()}`],
      ['VERSION_COVERS_ALL_TRANSACTIONS'],
    ],
    [
      'a transaction in the middle that says another balance',
      () => [`update transactions set balance_after = balance_after + 1 ${ofPoor()} and version = 2`],
      ['TRANSACTIONS_FORM_A_CHAIN'],
    ],
    [
      'a first transaction that does not begin at zero',
      () => [`update transactions set balance_after = balance_after + 1 ${ofPoor()}`],
      ['TRANSACTIONS_FORM_A_CHAIN'],
    ],
    [
      'a transaction in another currency',
      () => [`update transactions set currency = 'EUR' ${ofPoor()} and version = 1`],
      ['ACCOUNTS_SUM_TO_ZERO', 'ONE_BALANCE_ONE_CURRENCY'],
    ],

    [
      'a grant whose spending is gone',
      () => [`update grants set spending_id = gen_random_uuid() where paid_with = 'BALANCE'`],
      ['GRANT_HAS_ITS_SPENDING', 'SPENDING_HAS_ITS_GRANT'],
    ],
    [
      'a grant paid by what is no spending',
      () => [
        `update transactions set kind = 'ADJUSTMENT', counter_account = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id
         where id = (select spending_id from grants where status = 'ACTIVE' and paid_with = 'BALANCE' and user_id = '${viewer.userId}')`,
      ],
      ['GRANT_HAS_ITS_SPENDING'],
    ],
    [
      'a spending that is for another grant than the one it pays',
      () => [
        `update transactions set grant_id = (select id from grants where paid_with = 'GIFT')
         where id = (select spending_id from grants where status = 'ACTIVE' and paid_with = 'BALANCE' and user_id = '${viewer.userId}')`,
      ],
      ['GRANT_HAS_ITS_SPENDING', 'SPENDING_HAS_ITS_GRANT'],
    ],
    [
      'a grant of another viewer than the one who paid for it',
      () => [`update grants set user_id = '${poor.userId}' ${grantWhere("status = 'ACTIVE' and paid_with = 'BALANCE'")}`],
      ['GRANT_HAS_ITS_SPENDING', 'SPENDING_HAS_ITS_GRANT'],
    ],
    [
      'a grant of somebody who has no balance',
      () => [`update grants set user_id = '${stranger}' ${grantWhere("status = 'ACTIVE' and paid_with = 'BALANCE'")}`],
      ['SPENDING_HAS_ITS_GRANT'],
    ],
    [
      'a grant from the balance at another price than was taken',
      () => [`update grants set price_per_day = price_per_day + 1 ${grantWhere("status = 'ACTIVE' and paid_with = 'BALANCE'")}`],
      ['GRANT_HAS_ITS_SPENDING'],
    ],
    [
      'a spending whose grant is gone',
      () => [`delete from grants ${grantWhere("status = 'ACTIVE' and paid_with = 'BALANCE'")}`],
      ['SPENDING_HAS_ITS_GRANT'],
    ],

    [
      'a payment whose top-up is gone',
      () => [
        `update transactions set kind = 'ADJUSTMENT', counter_account = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id,
           stripe_payment_intent_id = null ${ofPoor()} and kind = 'TOP_UP' and amount = 600`,
      ],
      ['PAID_ORDER_HAS_ITS_TOP_UP'],
    ],
    [
      'a payment that was booked too low',
      () => [`update orders set captured_amount = captured_amount + 1 ${ofPoor()} and amount = 600`],
      ['PAID_ORDER_HAS_ITS_TOP_UP'],
    ],
    [
      'a payment that was booked to another viewer',
      () => [`update orders set user_id = '${chargedBack.userId}' ${ofPoor()} and amount = 600`],
      ['PAID_ORDER_HAS_ITS_TOP_UP', 'TOP_UP_HAS_ITS_PAID_ORDER'],
    ],
    [
      'a payment that was booked to a viewer who has no balance',
      () => [`update orders set user_id = '${stranger}' ${ofPoor()} and amount = 600`],
      ['TOP_UP_HAS_ITS_PAID_ORDER'],
    ],
    [
      'a top-up that names another payment than its order',
      () => [`update orders set stripe_payment_intent_id = 'pi_of_another' ${ofPoor()} and amount = 600`],
      ['PAID_ORDER_HAS_ITS_TOP_UP'],
    ],
    [
      'a top-up whose order was not paid',
      () => [
        `update refunds set status = 'FAILED' where order_id in (select id from orders ${ofPoor()} and amount = 600)`,
        `update orders set status = 'FAILED', captured_amount = null, paid_at = null ${ofPoor()} and amount = 600`,
      ],
      ['REFUND_MATCHES_ITS_TRANSACTIONS', 'TOP_UP_HAS_ITS_PAID_ORDER'],
    ],
    [
      'a top-up whose order is gone',
      () => [`delete from orders where kind = 'TOP_UP' and user_id = '${chargedBack.userId}'`],
      ['TOP_UP_HAS_ITS_PAID_ORDER'],
    ],
    [
      'a paid purchase that gave no grant',
      () => [`update grants set paid_with = 'BALANCE', order_id = null where price_per_day = 0`],
      ['PAID_PURCHASE_HAS_ITS_GRANT'],
    ],
    [
      'a refunded grant that nobody refunded',
      () => [`update grants set status = 'REFUNDED' where paid_with = 'GIFT'`],
      ['REFUNDED_GRANT_HAS_ITS_REFUND'],
    ],

    [
      'a refund to the balance that credited less than it says',
      () => [`update refunds set amount = amount + 1 where destination = 'BALANCE'`],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a refund to the balance that was paid out too',
      () => [
        `update transactions set counter_account = 'STRIPE' where refund_id = (select id from refunds where destination = 'BALANCE' limit 1)`,
      ],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a refund to the balance with a hold',
      () => [
        `insert into holds (id, user_id, refund_id, amount, status, created_at, expires_at, resolved_at)
         select gen_random_uuid(), user_id, id, amount, 'RELEASED', now(), now(), now() from refunds where destination = 'BALANCE'`,
      ],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a refund made at Stripe with a hold',
      () => [
        `insert into holds (id, user_id, refund_id, amount, status, created_at, expires_at, resolved_at)
         select gen_random_uuid(), user_id, id, amount, 'RELEASED', now(), now(), now() from refunds where origin = 'STRIPE' limit 1`,
      ],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a payout that paid more than the refund and its hold say',
      () => [
        `update refunds set amount = amount - 1 where user_id = '${poor.userId}' and amount = 400`,
        `update holds set amount = amount - 1 where user_id = '${poor.userId}' and amount = 400`,
      ],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a refund of a grant to the card that credited less than it says',
      () => [
        `update transactions set counter_account = 'ADJUSTMENT', kind = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id
         where amount > 0 and refund_id = (select id from refunds where origin = 'REQUEST' and destination = 'CARD'
           and status = 'SUCCEEDED' and grant_id is not null)`,
      ],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a refund of a top-up that credited something',
      () => [
        `update refunds set grant_id = (select id from grants where paid_with = 'GIFT') ${refundWhere("status = 'PENDING' and origin = 'REQUEST'")}`,
      ],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a refund made at Stripe that took less than it says',
      () => [`update refunds set amount = amount + 1 where origin = 'STRIPE' and status = 'PENDING'`],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a payout that failed without the money put back',
      () => [`update refunds set status = 'FAILED' where user_id = '${poor.userId}' and amount = 400`],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a payout that says it succeeded and paid nothing',
      () => [`update refunds set status = 'SUCCEEDED' where status = 'PENDING' and origin = 'REQUEST'`],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a pending payout that holds less than it pays',
      () => [
        `update holds set amount = amount - 1 where status = 'PENDING'`,
        'update balances set held = held - 2 where held > 0',
      ],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a pending payout whose hold was released',
      () => [
        `update holds set status = 'RELEASED', resolved_at = now() where status = 'PENDING'`,
        'update balances set held = 0 where held > 0',
      ],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a payout that ended with its money still held',
      () => [
        `update holds set status = 'PENDING', resolved_at = null ${holdOf("r.status = 'SUCCEEDED' and r.amount = 100")}`,
        `update balances set held = held + 100 ${ofPoor()}`,
      ],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a payout that ended and never held its money',
      () => [`delete from holds ${holdOf("r.status = 'SUCCEEDED'")}`],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a payout that ended and held less than it paid',
      () => [`update holds set amount = amount - 1 ${holdOf("r.status = 'SUCCEEDED'")}`],
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'refunds of a payment a cent above what it captured',
      () => [
        `update orders set captured_amount = captured_amount - 1 ${ofPoor()} and amount = 700`,
        `update transactions set amount = amount - 1 ${ofPoor()} and kind = 'TOP_UP' and amount = 700`,
        `update transactions set amount = amount + 1 ${ofPoor()} and kind = 'ADJUSTMENT'`,
        `update transactions set balance_after = balance_after + 1 ${ofPoor()} and kind = 'ADJUSTMENT'`,
      ],
      ['REFUNDS_ARE_WITHIN_CAPTURE'],
    ],
    [
      'refunds of a payment that captured nothing',
      () => [
        `update refunds set order_id = (select id from orders where status = 'OPEN' limit 1) ${refundWhere('user_id = (select user_id from orders where amount = 600) and amount = 100')}`,
      ],
      ['REFUNDS_ARE_WITHIN_CAPTURE'],
    ],

    [
      'a dispute that took less than it says',
      () => [
        `update disputes set withdrawn = withdrawn + 1 where outcome = 'OPEN' and order_id in (select id from orders where kind = 'TOP_UP')
          or outcome = 'LOST'`,
      ],
      ['DISPUTE_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a dispute whose money came back by halves and without a movement',
      () => [`update disputes set reinstated = reinstated + 1 where outcome = 'LOST'`],
      ['DISPUTE_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a dispute that gave its money back without a movement',
      () => [`update disputes set outcome = 'WON', funds = 'REINSTATED' where outcome = 'OPEN'`],
      ['DISPUTE_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a dispute that was won and took money all the same',
      () => [`update disputes set outcome = 'LOST', funds = 'WITHDRAWN' where outcome = 'WON'`],
      ['DISPUTE_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a dispute that gave its money back and let the viewer keep the credit',
      () => [
        `update transactions set kind = 'ADJUSTMENT', counter_account = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id
         where amount < 0 and counter_account = 'REVENUE' and dispute_id is not null`,
      ],
      ['LIVING_GRANT_MATCHES_WHAT_ITS_PAYMENT_LOST'],
    ],
    [
      'a dispute that credited nothing for the grant whose payment it took',
      () => [
        `update transactions set kind = 'ADJUSTMENT', counter_account = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id, dispute_id = null
         where amount > 0 and counter_account = 'REVENUE' and dispute_id = (select id from disputes where outcome = 'OPEN')`,
      ],
      ['LIVING_GRANT_MATCHES_WHAT_ITS_PAYMENT_LOST'],
    ],
    [
      'a grant that lives although nothing of its payment is left',
      () => [`update grants set status = 'ACTIVE', ended_at = null where status = 'REVOKED'`],
      ['LIVING_GRANT_MATCHES_WHAT_ITS_PAYMENT_LOST'],
    ],
    [
      'a grant that was returned twice',
      () => [
        `update transactions set kind = 'REFUND', counter_account = 'REVENUE', text_digest = null, actor_id = null,
           refund_id = (select id from refunds where origin = 'STRIPE' and grant_id is not null and amount = 1000 order by created_at, id limit 1),
           grant_id = (select grant_id from refunds where origin = 'STRIPE' and grant_id is not null and amount = 1000 order by created_at, id limit 1)
         where kind = 'ADJUSTMENT' and user_id = (select user_id from grants where paid_with = 'GIFT')`,
      ],
      ['GRANT_RETURNS_ARE_WITHIN_ITS_PRICE'],
    ],
    [
      'a balance further below zero than what disputes took',
      () => [`update balances set held = held + 1 where user_id = '${chargedBack.userId}'`],
      ['AVAILABLE_IS_NOT_NEGATIVE', 'HELD_IS_SUM_OF_PENDING_HOLDS'],
    ],
    [
      'a dispute that charged the viewer for the grant it took away',
      () => [
        `update transactions set kind = 'ADJUSTMENT', counter_account = 'ADJUSTMENT', text_digest = 'none', actor_id = user_id, dispute_id = null
         where amount > 0 and dispute_id = (select id from disputes where outcome = 'WON')`,
        `update disputes set funds = 'WITHDRAWN', outcome = 'LOST' where outcome = 'WON'`,
      ],
      ['DISPUTE_MATCHES_ITS_TRANSACTIONS', 'GRANT_RETURNS_ARE_WITHIN_ITS_PRICE', 'LIVING_GRANT_MATCHES_WHAT_ITS_PAYMENT_LOST'],
    ],
  ])('finds %s', async (_damage, statements, rules) => {
    expect(await brokenBy(...statements())).toEqual(rules);
    expect((await examined(...statements())).filter(isOfJournal)).not.toEqual([]);
  });
});
