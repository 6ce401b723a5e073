import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { Order } from '../../src/entities/order.js';
import { newId } from '../../src/services/ids.js';
import { verifyLedger } from '../../src/services/verification/verify-ledger.js';
import { CardShop } from '../support/card-shop.js';
import { afterDamage, findAfterDamage, nightsOfOneCycle } from '../support/damage.js';
import { ADMIN, aKey } from '../support/shop.js';
import { JOURNAL_DAMAGE } from './damage/journal-damage.js';
import { type DamageScene, LEDGER_DAMAGE } from './damage/ledger-damage.js';
import { REFERENCE_DAMAGE } from './damage/reference-damage.js';

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
    expect(await nightsOfOneCycle(shop.db.database, shop.clock)).toEqual([]);
    shop.clock.advanceDays(1);
  });
  afterAll(() => shop.close());

  const examined = (...statements: string[]) => findAfterDamage(shop.db.database, statements);
  const isOfJournal = (rule: string) => rule.startsWith('JOURNAL_') || rule === 'MANUAL_CHANGE_HAS_ITS_AUDIT_ENTRY';
  const rulesOf = (found: readonly { rule: string }[]) => [...new Set(found.map(({ rule }) => rule))].sort();
  /** The rules that the full verification finds broken, and those that the job does within one cycle. */
  const brokenBy = (statements: readonly string[]) =>
    afterDamage(shop.db.database, statements, async (damaged) => ({
      full: rulesOf((await verifyLedger(damaged)).discrepancies),
      job: rulesOf(await nightsOfOneCycle(damaged, shop.clock)),
    }));
  /** The sum over all accounts cannot be one short transaction; each viewer's sum and the counter accounts of each movement can. */
  const exceptTotal = (rules: readonly string[]) => rules.filter((rule) => rule !== 'ACCOUNTS_SUM_TO_ZERO');

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
    expect(await examined(`update balances set held = 801 where user_id = '${poor.userId}'`)).toContainEqual(inDebt(poor));
    const tooMuch = `update refunds set amount = 401 where user_id = '${poor.userId}' and amount = 400`;
    expect(await examined(tooMuch)).toContainEqual(
      expect.objectContaining({ expected: 'at most 700', found: expect.stringMatching(/^701 for order/) }),
    );
  });

  const stranger = newId();
  const scene = (): DamageScene => ({
    ...{ viewer: viewer.userId, poor: poor.userId, chargedBack: chargedBack.userId, stranger },
  });

  test.each([...LEDGER_DAMAGE, ...REFERENCE_DAMAGE])('finds %s', async (_damage, statements, rules) => {
    const { full, job } = await brokenBy(statements(scene()));
    expect(full.filter((rule) => !isOfJournal(rule))).toEqual(rules);
    expect(job).toEqual(exceptTotal(full));
  });

  test.each(LEDGER_DAMAGE)('finds by the journal alone %s', async (_damage, statements) => {
    expect(rulesOf(await examined(...statements(scene()))).filter(isOfJournal)).not.toEqual([]);
  });

  test.each(JOURNAL_DAMAGE)('finds %s', async (_damage, statements, rules) => {
    const { full, job } = await brokenBy(statements(scene()));
    expect(full).toEqual(expect.arrayContaining([...rules]));
    expect(job).toEqual(exceptTotal(full));
  });
});
