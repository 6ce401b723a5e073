import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { newId } from '../../src/services/ids.js';
import { describeMoved } from '../../src/services/reconciliation/reconciliation-store.js';
import type { Finding } from '../../src/services/reconciliation/walk-objects.js';
import { MovableClock } from '../support/movable-clock.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { type OpenOrder, ReconciliationScene } from './reconciliation-scene.js';

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

describe('The money that Stripe moved', () => {
  /** As somebody with the database's password could: past every trigger. */
  const damage = (statement: string) =>
    home.rows(`do $$ begin set local session_replication_role = replica; ${statement}; end $$`);
  const findings = async (id: string) =>
    (await scene.services.reconciliations.findingsOf([id])).map(({ kind, stripeId, repaired }) => ({ kind, stripeId, repaired }));

  async function threeThatHappened(): Promise<{ paid: OpenOrder; refund: string; dispute: string }> {
    const [paid, refunded, disputed] = await Promise.all([2_000, 3_000, 4_000].map((amount) => scene.openTopUp(amount)));
    for (const order of [paid, refunded, disputed]) scene.pay(order as OpenOrder);
    const { control } = scene.sandbox;
    const refund = control.refundInDashboard({ paymentIntent: await scene.paymentOf(refunded as OpenOrder), amount: 300 });
    const paymentIntent = await scene.paymentOf(disputed as OpenOrder);
    const dispute = control.openDispute({ paymentIntent, reason: 'fraudulent' });
    await scene.services.reconciliation.run();
    return { paid: paid as OpenOrder, refund: refund.id, dispute: dispute.id };
  }

  test('is added up with its fees', async () => {
    await threeThatHappened();
    const run = await scene.services.reconciliation.run();
    // Fees of the sandbox: 2.9 % and 30 of each payment, 1500 for the dispute.
    const fees = 88 + 117 + 146 + 1_500;
    expect(run).toMatchObject({ findingsCount: 0, moved: [{ currency: 'USD', gross: 4_700, fees, net: 4_700 - fees }] });
    expect(describeMoved(run.moved)).toBe(`4700 USD moved, ${fees} fees, ${4_700 - fees} net (minor units)`);
  });

  test('is compared with the ledger: a payment, a refund and a dispute that are not in it as they should are listed', async () => {
    const { paid, refund, dispute } = await threeThatHappened();
    await damage(`update transactions set amount = 1999 where order_id = '${paid.orderId}'`);
    await damage("delete from transactions where kind = 'REFUND'");
    await damage("update transactions set amount = amount - 1 where kind = 'DISPUTE'");
    const run = await scene.services.reconciliation.run();
    expect(await findings(run.id)).toEqual(
      expect.arrayContaining([
        { kind: 'AMOUNT_DIFFERS', stripeId: paid.sessionId, repaired: false },
        { kind: 'AMOUNT_DIFFERS', stripeId: refund, repaired: false },
        { kind: 'AMOUNT_DIFFERS', stripeId: dispute, repaired: false },
      ]),
    );
    expect(run.openFindingsCount).toBe(3);
  });

  test('is compared with the ledger although the session of a payment was opened in another time', async () => {
    const order = await scene.openTopUp(2_000);
    clock.advanceMs(60_000);
    await scene.services.reconciliation.run();
    clock.advanceMs(60_000);
    scene.pay(order);
    await scene.services.reconciliation.run();
    await damage(`update transactions set amount = 1999 where order_id = '${order.orderId}'`);
    await home.rows(`update reconciliations set compared_until = $1 where compared_until > $1`, [
      new Date(clock.now().getTime() - 30_000),
    ]);
    const run = await scene.services.reconciliation.run();
    expect(await findings(run.id)).toEqual([{ kind: 'AMOUNT_DIFFERS', stripeId: await scene.paymentOf(order), repaired: false }]);
  });

  test('keeps the most serious findings when there are more than are kept', async () => {
    const id = await scene.services.reconciliations.start(clock.now());
    const about = { stripeId: null, orderId: null, userId: null, detail: '', repairable: false, repaired: false };
    const prices = Array.from({ length: 1_000 }, (): Finding => ({ ...about, kind: 'PRICE_DIFFERS' }));
    const grave: Finding = { ...about, kind: 'PAID_WITHOUT_GRANT', orderId: newId() };
    const totals = { objectsChecked: 0, eventsReplayed: 0 };
    await scene.services.reconciliations.save(id, { ...totals, findingsCount: 1_000 }, prices, null, null);
    await scene.services.reconciliations.save(id, { ...totals, findingsCount: 1_001 }, [grave], null, clock.now());
    const kept = await scene.services.reconciliations.findingsOf([id]);
    expect(kept).toHaveLength(1_000);
    expect(kept[0]).toMatchObject({ kind: 'PAID_WITHOUT_GRANT', orderId: grave.orderId });
  });
});

describe('What is on sale at Stripe', () => {
  let priceId: string;
  let productId: string;
  const readCopy = async () =>
    (
      await home.rows<{ priceId: string; productId: string }>(
        `select v.stripe_price_id as "priceId", s.stripe_product_id as "productId"
         from subscriptions s join subscription_versions v on v.id = s.current_version_id`,
      )
    )[0] as { priceId: string; productId: string };

  beforeEach(async () => {
    await scene.newSubscription(100, 10, 'price_that_there_is_not');
    const run = await scene.services.reconciliation.run();
    expect(run).toMatchObject({ findingsCount: 1, openFindingsCount: 0 });
    ({ priceId, productId } = await readCopy());
  });

  /** Everything as the subscription says, and only one price on sale. */
  async function expectMended(): Promise<void> {
    const [finding, ...more] = await scene.services.reconciliations.findingsOf([(await scene.services.reconciliation.run()).id]);
    expect(finding).toMatchObject({ kind: 'PRICE_DIFFERS', repaired: true });
    expect(more).toEqual([]);
    const copy = await readCopy();
    const { data } = await scene.stripe.prices.list({ product: copy.productId, active: true, expand: ['data.product'] });
    expect(data).toMatchObject([{ id: copy.priceId, unit_amount: 1_000, product: { active: true, name: 'Silent' } }]);
    expect(await scene.services.reconciliation.run()).toMatchObject({ findingsCount: 0 });
  }

  test('that was archived is put on sale again', async () => {
    await scene.stripe.prices.update(priceId, { active: false });
    await expectMended();
    expect((await readCopy()).priceId).toBe(priceId);
  });

  test('whose product was archived and renamed is put right', async () => {
    await scene.stripe.products.update(productId, { active: false, name: 'Loud' });
    await expectMended();
  });

  test('with another price, even under the name of ours, gives way to a new price and is archived', async () => {
    const { lookup_key } = await scene.stripe.prices.retrieve(priceId);
    const wrong = await scene.stripe.prices.create({
      product: productId,
      currency: 'usd',
      unit_amount: 1,
      lookup_key: lookup_key as string,
      transfer_lookup_key: true,
    });
    await home.rows('update subscription_versions set stripe_price_id = $1', [wrong.id]);
    await expectMended();
    expect(await scene.stripe.prices.retrieve(wrong.id)).toMatchObject({ active: false });
  });

  test('stays on the list with the reason while Stripe does not let it be repaired, and the job retries it', async () => {
    await scene.stripe.products.update(productId, { name: 'Loud' });
    scene.sandbox.control.addFault({ kind: 'error_500', operation: 'products.update' });
    const run = await scene.services.reconciliation.run();
    expect(await scene.services.reconciliations.findingsOf([run.id])).toMatchObject([{ kind: 'PRICE_DIFFERS', repaired: false }]);
    expect(await home.rows('select stripe_sync_status as status from subscriptions')).toEqual([{ status: 'PENDING' }]);
    scene.sandbox.control.clearFaults();
  });
});
