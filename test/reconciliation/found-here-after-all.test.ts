import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/services/ids.js';
import { MovableClock } from '../support/movable-clock.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { ReconciliationScene } from './reconciliation-scene.js';

/** What reconciliation says of things that one side has: that the other does not have them only when that is so. */
describe('Reconciliation with Stripe', () => {
  let home: TestDatabase;
  let scene: ReconciliationScene;
  let clock: MovableClock;
  beforeAll(async () => {
    home = await testDatabase();
  });
  beforeEach(async () => {
    await scene?.close();
    clock = new MovableClock(new Date().toISOString());
    scene = await ReconciliationScene.open(home.database, clock);
    await scene.reset();
  });
  afterAll(async () => {
    await scene.close();
    await home.drop();
  });

  const findings = async () => {
    const { id } = await scene.services.reconciliation.run();
    return (await scene.services.reconciliations.findingsOf([id])).map(({ kind, stripeId, orderId, detail, repaired }) => ({
      kind,
      stripeId,
      orderId,
      detail,
      repaired,
    }));
  };
  const paidTopUp = async (amount: number) => {
    const order = await scene.openTopUp(amount);
    scene.pay(order);
    await scene.services.reconciliation.run();
    return { ...order, payment: await scene.paymentOf(order) };
  };
  /** A dispute as we have it, with what it took. */
  const knownDispute = async (order: { orderId: string; payment: string }, stripeDisputeId: string) =>
    scene.services.disputes.applyDispute(
      {
        id: stripeDisputeId,
        object: 'dispute',
        amount: 700,
        currency: 'usd',
        status: 'needs_response',
        reason: 'fraudulent',
        payment_intent: order.payment,
        balance_transactions: [{ id: `txn_${stripeDisputeId}`, amount: -700, currency: 'usd' }],
      } as never,
      null,
    );

  test('reports a dispute that is here and that Stripe does not have', async () => {
    const order = await paidTopUp(2_000);
    await knownDispute(order, 'du_that_stripe_does_not_have');
    clock.advanceMs(1_000);
    expect(await findings()).toEqual([
      {
        kind: 'DISPUTE_DIFFERS',
        stripeId: 'du_that_stripe_does_not_have',
        orderId: order.orderId,
        detail: expect.stringContaining('Stripe does not know it'),
        repaired: false,
      },
    ]);
  });

  test('does not report a dispute that Stripe has, only made before the time that is compared', async () => {
    const order = await paidTopUp(2_000);
    const { id } = scene.sandbox.control.openDispute({ paymentIntent: order.payment, reason: 'fraudulent' });
    clock.advanceMs(40 * 86_400_000);
    await scene.services.disputes.applyDispute(await scene.stripe.disputes.retrieve(id), null);
    clock.advanceMs(1_000);
    await home.rows('update reconciliations set compared_until = $1', [new Date(clock.now().getTime() - 60_000)]);
    expect(await findings()).toEqual([]);
  });

  test('repairs a dispute whose money Stripe returned in part, and whose news were lost', async () => {
    const order = await paidTopUp(2_000);
    const { id } = scene.sandbox.control.openDispute({ paymentIntent: order.payment, reason: 'fraudulent', amount: 700 });
    const reported = await scene.stripe.disputes.retrieve(id);
    await scene.services.disputes.applyDispute(
      { ...reported, balance_transactions: [{ ...(reported.balance_transactions[0] as object), amount: -300 }] } as never,
      null,
    );
    await scene.loseEffectsOfEvents();
    expect(await scene.balanceOf(order.userId)).toBe(1_700);
    clock.advanceMs(1_000);
    const found = await findings();
    expect(found.filter(({ kind }) => kind === 'DISPUTE_DIFFERS')).toEqual([
      expect.objectContaining({ stripeId: id, detail: expect.stringMatching(/700 taken.*300 taken/) }),
    ]);
  });

  test("says of a paid session that is not its order's own that the order is here", async () => {
    const order = await scene.openTopUp(2_000);
    await home.rows('update orders set stripe_session_id = $1 where id = $2', ['cs_test_another', order.orderId]);
    scene.pay(order);
    await scene.loseEffectsOfEvents();
    const [finding, ...more] = await findings();
    expect(finding).toMatchObject({ kind: 'PAID_WITHOUT_GRANT', stripeId: order.sessionId, orderId: order.orderId });
    expect(finding?.detail).toContain('through a different session');
    expect(finding?.detail).not.toContain('not here');
    expect(more).toEqual([]);
  });

  test('says that an order is not here when it is not', async () => {
    const order = await scene.openTopUp(2_000);
    await home.rows(`do $$ begin set local session_replication_role = replica; delete from orders; end $$`);
    scene.pay(order);
    await scene.loseEffectsOfEvents();
    expect(await findings()).toEqual([
      expect.objectContaining({
        kind: 'PAID_WITHOUT_GRANT',
        stripeId: order.sessionId,
        orderId: null,
        detail: expect.stringContaining(`for order ${order.orderId}, which does not exist here`),
      }),
    ]);
  });

  test('finds the order of a session that writes its id in capitals', async () => {
    const orderId = newId();
    const userId = newId();
    const session = await scene.stripe.checkout.sessions.create({
      mode: 'payment',
      client_reference_id: orderId.toUpperCase(),
      metadata: { order_id: orderId.toUpperCase() },
      success_url: 'http://127.0.0.1:9/',
      line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: 900, product_data: { name: 'x' } } }],
    });
    await home.rows(
      `insert into orders (id, user_id, kind, status, amount, currency, created_at, expires_at, return_url)
       values ($1, $2, 'TOP_UP', 'OPEN', 900, 'USD', $3, $3::timestamptz + interval '1 hour', 'http://127.0.0.1:9/')`,
      [orderId, userId, clock.now()],
    );
    scene.pay({ orderId, userId, sessionId: session.id });
    await scene.loseEffectsOfEvents();
    expect(await findings()).toEqual([expect.objectContaining({ kind: 'PAID_WITHOUT_GRANT', orderId, repaired: true })]);
    expect(await scene.balanceOf(userId)).toBe(900);
  });

  test('rejects with the error of a read that failed, and reports nothing as missing', async () => {
    const order = await paidTopUp(2_000);
    await knownDispute(order, 'du_that_cannot_be_read');
    clock.advanceMs(1_000);
    scene.sandbox.control.addFault({ kind: 'error_500', operation: 'disputes.retrieve' });
    await expect(scene.services.reconciliation.run()).rejects.toThrow();
    scene.sandbox.control.clearFaults();
    expect(await home.rows('select 1 from reconciliation_findings')).toEqual([]);
  });
});
