import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/services/ids.js';
import { MovableClock } from '../support/movable-clock.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { ReconciliationScene } from './reconciliation-scene.js';

const DAY_MS = 86_400_000;

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

  const findingsOf = async (id: string) =>
    (await scene.services.reconciliations.findingsOf([id])).map(({ kind, repaired, orderId }) => ({ kind, repaired, orderId }));

  test('replays what was missed when every webhook was lost', async () => {
    const topUp = await scene.openTopUp(2_000);
    const purchase = await scene.openPurchase(100, 10);
    const unpaid = await scene.openTopUp(500);
    scene.pay(topUp);
    scene.pay(purchase);
    scene.sandbox.control.refundInDashboard({ paymentIntent: await scene.paymentOf(topUp), amount: 300 });

    const run = await scene.services.reconciliation.run();
    await scene.services.stripeInbox.idle();
    expect(run).toMatchObject({ openFindingsCount: 0, finished: true });
    expect(run.eventsReplayed).toBeGreaterThanOrEqual(3);
    expect(await scene.balanceOf(topUp.userId)).toBe(1_700);
    expect(await scene.grantOf(purchase)).toBe('ACTIVE');
    expect(await scene.balanceOf(purchase.userId)).toBe(0);
    expect(await scene.orderStatus(unpaid)).toBe('OPEN');

    const again = await scene.services.reconciliation.run();
    expect(again).toMatchObject({ eventsReplayed: 0, findingsCount: 0 });
    expect(await scene.balanceOf(topUp.userId)).toBe(1_700);
  });

  test('finds who paid without access although the events are marked as processed, and repairs it', async () => {
    const purchase = await scene.openPurchase(100, 10);
    scene.pay(purchase);
    await scene.loseEffectsOfEvents();
    const run = await scene.services.reconciliation.run();
    expect(await findingsOf(run.id)).toEqual([{ kind: 'PAID_WITHOUT_GRANT', repaired: true, orderId: purchase.orderId }]);
    expect(await scene.grantOf(purchase)).toBe('ACTIVE');
  });

  test('finds a payment of which we never kept the session', async () => {
    const purchase = await scene.openPurchase(100, 10);
    await home.database.pool.query('update orders set stripe_session_id = null');
    scene.pay(purchase);
    await scene.loseEffectsOfEvents();
    const run = await scene.services.reconciliation.run();
    expect(await findingsOf(run.id)).toEqual([{ kind: 'PAID_WITHOUT_GRANT', repaired: true, orderId: purchase.orderId }]);
    expect(await scene.grantOf(purchase)).toBe('ACTIVE');
  });

  test('finds a payment that came days after its session had been compared', async () => {
    const topUp = await scene.openTopUp(2_000);
    clock.advanceMs(60_000);
    await scene.services.reconciliation.run();
    clock.advanceMs(60_000);
    scene.pay(topUp);
    await scene.loseEffectsOfEvents();
    clock.advanceMs(3 * DAY_MS);
    const run = await scene.services.reconciliation.run();
    expect(await findingsOf(run.id)).toEqual([{ kind: 'PAID_WITHOUT_GRANT', repaired: true, orderId: topUp.orderId }]);
    expect(await scene.balanceOf(topUp.userId)).toBe(2_000);
  });

  test('takes in a refund that was made in the dashboard', async () => {
    const topUp = await scene.openTopUp(2_000);
    scene.pay(topUp);
    await scene.services.reconciliation.run();
    scene.sandbox.control.refundInDashboard({ paymentIntent: await scene.paymentOf(topUp), amount: 300 });
    await scene.loseEffectsOfEvents();
    const run = await scene.services.reconciliation.run();
    expect(await findingsOf(run.id)).toEqual([{ kind: 'REFUND_DIFFERS', repaired: true, orderId: topUp.orderId }]);
    expect(await scene.balanceOf(topUp.userId)).toBe(1_700);
  });

  test('lists what it may not repair, most serious first', async () => {
    const [userId, orderId] = [newId(), newId()];
    await home.database.pool.query(
      `insert into orders (id, user_id, kind, status, amount, currency, created_at, expires_at, return_url, stripe_session_id,
         stripe_payment_intent_id, captured_amount, paid_at)
       values ($1, $2, 'TOP_UP', 'PAID', 500, 'USD', $3, $3, '', 'cs_test_unknown', 'pi_unknown', 500, $3)`,
      [orderId, userId, new Date(clock.now().getTime() - 60_000)],
    );
    const product = await scene.stripe.products.create({ name: 'Silent' });
    const price = await scene.stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 999 });
    await scene.newSubscription(100, 10, price.id);
    const topUp = await scene.openTopUp(2_000);
    scene.pay(topUp);
    await scene.loseEffectsOfEvents();

    const run = await scene.services.reconciliation.run();
    expect(await findingsOf(run.id)).toEqual([
      { kind: 'PAID_WITHOUT_GRANT', repaired: true, orderId: topUp.orderId },
      { kind: 'GRANT_WITHOUT_PAYMENT', repaired: false, orderId },
      { kind: 'PRICE_DIFFERS', repaired: true, orderId: null },
    ]);
    expect(run).toMatchObject({ findingsCount: 3, openFindingsCount: 1 });
    const [kept] = await scene.services.reconciliations.byIds([run.id]);
    expect(kept).toMatchObject({ findingsCount: 3, finishedAt: clock.now(), comparedUntil: clock.now() });
  });

  test('takes in a refund that fails, and a payment that comes, long after they were compared', async () => {
    const refunded = await scene.openTopUp(2_000);
    const delayed = await scene.openTopUp(3_000);
    scene.pay(refunded);
    const refund = scene.sandbox.control.refundInDashboard({ paymentIntent: await scene.paymentOf(refunded), amount: 300 });
    scene.sandbox.control.addFault({ kind: 'hold_delayed_payments' });
    scene.sandbox.control.pay(delayed.sessionId, { method: 'delayed_success' });
    clock.advanceMs(60_000);
    await scene.services.reconciliation.run();
    expect(await scene.balanceOf(refunded.userId)).toBe(1_700);
    clock.advanceMs(5 * DAY_MS);
    await scene.services.reconciliation.run();
    clock.advanceMs(60_000);
    scene.sandbox.control.failRefund(refund.id, 'lost_or_stolen_card');
    scene.sandbox.control.settle(delayed.sessionId, 'succeeded');
    await scene.loseEffectsOfEvents();
    clock.advanceMs(60_000);
    const run = await scene.services.reconciliation.run();
    expect(await findingsOf(run.id)).toEqual([
      { kind: 'PAID_WITHOUT_GRANT', repaired: true, orderId: delayed.orderId },
      { kind: 'REFUND_DIFFERS', repaired: true, orderId: refunded.orderId },
    ]);
    expect(await scene.balanceOf(refunded.userId)).toBe(2_000);
    expect(await scene.balanceOf(delayed.userId)).toBe(3_000);
  });

  test('applies the failure of a refund that was still pending when it was compared', async () => {
    const topUp = await scene.openTopUp(2_000);
    scene.pay(topUp);
    scene.sandbox.control.addFault({ kind: 'refund_pending' });
    const refund = scene.sandbox.control.refundInDashboard({ paymentIntent: await scene.paymentOf(topUp), amount: 300 });
    clock.advanceMs(60_000);
    await scene.services.reconciliation.run();
    clock.advanceMs(60_000);
    scene.sandbox.control.failRefund(refund.id, 'lost_or_stolen_card');
    await scene.loseEffectsOfEvents();
    clock.advanceMs(60_000);
    const run = await scene.services.reconciliation.run();
    expect(await findingsOf(run.id)).toEqual([{ kind: 'REFUND_DIFFERS', repaired: true, orderId: topUp.orderId }]);
    expect(await scene.balanceOf(topUp.userId)).toBe(2_000);
  });

  test('has nothing to say of what others sell through the same account', async () => {
    const session = await scene.stripe.checkout.sessions.create({
      mode: 'payment',
      success_url: 'http://127.0.0.1:9/',
      line_items: [{ quantity: 1, price_data: { currency: 'usd', unit_amount: 700, product_data: { name: 'a shirt' } } }],
    });
    scene.pay({ sessionId: session.id, orderId: '', userId: '' });
    const paid = await scene.stripe.checkout.sessions.retrieve(session.id);
    scene.sandbox.control.refundInDashboard({ paymentIntent: String(paid.payment_intent) });
    const run = await scene.services.reconciliation.run();
    expect(run).toMatchObject({ eventsReplayed: 0, findingsCount: 0, moved: [] });
  });

  test('tries again what had failed', async () => {
    const topUp = await scene.openTopUp(2_000);
    scene.pay(topUp);
    for await (const event of scene.stripe.events.list({ type: 'checkout.session.completed' }))
      await scene.services.stripeInbox.store(event);
    await home.database.pool.query(`update stripe_events set status = 'FAILED', attempts = 12, next_attempt_at = null`);
    const run = await scene.services.reconciliation.run();
    expect(run).toMatchObject({ eventsReplayed: 1, findingsCount: 0 });
    expect(await scene.balanceOf(topUp.userId)).toBe(2_000);
  });

  test('two runs at once do nothing twice', async () => {
    const topUps = await Promise.all(Array.from({ length: 10 }, () => scene.openTopUp(1_000)));
    for (const topUp of topUps) scene.pay(topUp);
    const runs = await Promise.all([scene.services.reconciliation.run(), scene.services.reconciliation.run()]);
    expect(runs.map((run) => run.openFindingsCount)).toEqual([0, 0]);
    for (const topUp of topUps) expect(await scene.balanceOf(topUp.userId)).toBe(1_000);
  });

  test('that is asked to stop keeps what it has done, and the next one continues', async () => {
    const topUp = await scene.openTopUp(2_000);
    scene.pay(topUp);
    const stopping = new AbortController();
    stopping.abort();
    const cut = await scene.services.reconciliation.run({ signal: stopping.signal });
    expect(cut).toMatchObject({ finished: false });
    expect((await scene.services.reconciliations.byIds([cut.id]))[0]).toMatchObject({ finishedAt: null, comparedUntil: null });
    expect(await scene.services.reconciliation.run()).toMatchObject({ finished: true });
    expect(await scene.balanceOf(topUp.userId)).toBe(2_000);
    const { nodes } = await scene.services.reconciliations.page({ first: 10 });
    expect(nodes).toHaveLength(2);
  });
});
