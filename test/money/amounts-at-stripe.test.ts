import { type Sandbox, startSandbox } from '@boxoffice/stripe-sandbox';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type Stripe from 'stripe';
import type { Order } from '../../src/entities/order.js';
import { newId } from '../../src/services/ids.js';
import type { Services } from '../../src/services/services.js';
import { openStripe } from '../../src/stores/stripe.js';
import { fromStripe, maxPayment, roundDownForStripe, stripeStep, toStripeAmount } from '../../src/stores/stripe-amounts.js';
import { MovableClock } from '../support/movable-clock.js';
import { ADMIN, aKey } from '../support/shop.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { testServices } from '../support/test-services.js';

describe('An amount at the boundary to Stripe', () => {
  test.each([
    ['USD', 1_234, 1_234, 1, 99_999_999],
    ['JPY', 1_234, 1_234, 1, 99_999_999],
    ['ISK', 1_234, 123_400, 1, 999_999],
    ['UGX', 1_234, 123_400, 1, 999_999],
    ['KWD', 1_230, 1_230, 10, 99_999_990],
    ['BHD', 1_230, 1_230, 10, 99_999_990],
    ['JOD', 1_230, 1_230, 10, 99_999_990],
    ['OMR', 1_230, 1_230, 10, 99_999_990],
    ['TND', 1_230, 1_230, 10, 99_999_990],
    ['MGA', 123_400, 1_234, 100, 9_999_999_900],
  ])('of %s is converted there and back, in steps that Stripe has', (currency, ours, theirs, step, largest) => {
    expect(toStripeAmount(ours, currency)).toBe(theirs);
    expect(fromStripe({ currency: currency.toLowerCase(), amount: theirs, created: theirs }).amount).toBe(ours);
    expect([stripeStep(currency), maxPayment(currency)]).toEqual([step, largest]);
    expect(roundDownForStripe(ours + step - 1, currency)).toBe(ours);
    if (step > 1) expect(() => toStripeAmount(ours + 1, currency)).toThrow(RangeError);
    expect(toStripeAmount(largest, currency)).toBeLessThanOrEqual(99_999_999);
  });

  test('is converted anywhere in an object, by the currency of the object that contains it, and nothing else is', () => {
    const session = {
      currency: 'isk',
      amount_total: 500_00,
      expires_at: 100,
      total_details: { amount_tax: 100, amount_discount: null },
      metadata: { amount: '100' },
      payment_intent: { currency: 'isk', amount_received: 500_00, latest_charge: { currency: 'usd', amount: 500 } },
    };
    expect(fromStripe({ object: 'list', data: [session] })).toEqual({
      object: 'list',
      data: [
        {
          ...session,
          amount_total: 500,
          total_details: { amount_tax: 1, amount_discount: null },
          payment_intent: { currency: 'isk', amount_received: 500, latest_charge: { currency: 'usd', amount: 500 } },
        },
      ],
    });
  });
});

interface Case {
  readonly currency: string;
  /** What Stripe calls one of our minor units. */
  readonly unit: number;
  readonly pricePerDay: number;
  readonly topUp: number;
  /** Of 28 of 30 unused days, to the card. */
  readonly toCard: number;
  readonly toBalance: number;
}

describe.each<Case>([
  { currency: 'JPY', unit: 1, pricePerDay: 101, topUp: 5_000, toCard: 2_828, toBalance: 2_828 },
  { currency: 'ISK', unit: 100, pricePerDay: 101, topUp: 5_000, toCard: 2_828, toBalance: 2_828 },
  { currency: 'UGX', unit: 100, pricePerDay: 101, topUp: 5_000, toCard: 2_828, toBalance: 2_828 },
  { currency: 'KWD', unit: 1, pricePerDay: 7, topUp: 5_000, toCard: 190, toBalance: 196 },
  { currency: 'MGA', unit: 0.01, pricePerDay: 110, topUp: 5_000, toCard: 3_000, toBalance: 3_080 },
])('A shop in $currency', ({ currency, unit, pricePerDay, topUp, toCard, toBalance }) => {
  let db: TestDatabase;
  let sandbox: Sandbox;
  let clock: MovableClock;
  let services: Services;
  const admin = { userId: newId(), role: 'ADMIN' as const };
  const viewer = { userId: newId(), role: 'VIEWER' as const };

  beforeEach(async () => {
    db = await testDatabase();
    clock = new MovableClock(new Date().toISOString());
    sandbox = await startSandbox({ port: 0, clock, webhookUrl: null, webhookSecret: 'whsec_test', stateFile: null });
    services = testServices({
      database: db.database,
      stripe: openStripe({ secretKey: sandbox.secretKey, apiUrl: sandbox.url, timeoutMs: 5_000, attemptsCount: 2 }),
      clock,
      environment: { CURRENCY: currency },
    });
  });
  afterEach(async () => {
    await services.close();
    await sandbox.stop();
    await db.drop();
  });

  /** As Stripe has it, in its own units. */
  async function atStripe<Body>(resource: string): Promise<Body> {
    const response = await fetch(`${sandbox.url}/v1/${resource}`, { headers: { authorization: `Bearer ${sandbox.secretKey}` } });
    return (await response.json()) as Body;
  }

  async function plan(perDay: number, durationDays: number) {
    const { films } = await services.catalogueAdmin.createFilms(ADMIN, [{ title: 'A film' }]);
    return services.catalogueAdmin.createSubscription(ADMIN, {
      title: 'Plan',
      description: '',
      filmIds: [films?.[0]?.id as string],
      pricePerDay: perDay,
      durationDays,
    });
  }

  async function pay(order: Order | undefined): Promise<Order> {
    sandbox.control.pay(order?.stripeSessionId as string, { card: '4242424242424242' });
    return (await services.purchases.look(viewer, order?.id as string)) as Order;
  }

  const posted = async () =>
    (await db.rows<{ posted: number }>('select posted from balances where user_id = $1', [viewer.userId]))[0]?.posted;

  async function buyByCard() {
    const { subscription } = await plan(pricePerDay, 30);
    const id = subscription?.id as string;
    await services.catalogueAdmin.activateSubscription(ADMIN, id);
    await services.catalogueSync.settled();
    const bought = await services.purchases.purchase(viewer, { subscriptionId: id, payWith: 'CARD', idempotencyKey: aKey() });
    expect(bought.errors).toEqual([]);
    return pay(bought.order);
  }

  async function expectClean(): Promise<void> {
    const run = await services.reconciliation.run();
    expect(await services.reconciliations.findingsOf([run.id])).toEqual([]);
    expect((await services.verifyLedger()).discrepancies).toEqual([]);
  }

  test('takes the amount asked for at Stripe, books it, gives unused days back to the card, and is reconciled without a difference', async () => {
    const toppedUp = await services.purchases.topUp(viewer, { amount: topUp, currency, idempotencyKey: aKey() });
    const paidTopUp = await pay(toppedUp.order);
    expect(paidTopUp).toMatchObject({ status: 'PAID', amount: topUp });
    expect(await posted()).toBe(topUp);
    const session = await atStripe<Stripe.Checkout.Session>(`checkout/sessions/${paidTopUp.stripeSessionId}`);
    expect(session.amount_total).toBe(topUp * unit);

    const order = await buyByCard();
    expect(order.status).toBe('PAID');
    const bought = await atStripe<Stripe.Checkout.Session>(`checkout/sessions/${order.stripeSessionId}`);
    expect(bought.amount_total).toBe(pricePerDay * 30 * unit);

    clock.advanceMs(86_400_000 + 1_000);
    const [grant] = await db.rows<{ id: string }>('select id from grants');
    const { refund, errors } = await services.refunds.refundGrant(viewer, {
      grantId: grant?.id as string,
      idempotencyKey: aKey(),
    });
    expect(errors).toEqual([]);
    expect(refund).toMatchObject({ destination: 'CARD', status: 'SUCCEEDED', amount: toCard, unusedDays: 28 });
    const refunded = await atStripe<Stripe.Refund>(`refunds/${refund?.stripeRefundId}`);
    expect(refunded.amount).toBe(toCard * unit);
    expect(await posted()).toBe(topUp);

    sandbox.control.refundInDashboard({ paymentIntent: paidTopUp.stripePaymentIntentId as string, amount: 1_000 * unit });
    await expectClean();
    expect(await posted()).toBe(topUp - 1_000);
  }, 60_000);

  test('gives unused days back to the balance exactly, and follows a dispute', async () => {
    const order = await buyByCard();
    clock.advanceMs(86_400_000 + 1_000);
    const [grant] = await db.rows<{ id: string }>('select id from grants');
    const input = { grantId: grant?.id as string, destination: 'BALANCE' as const, idempotencyKey: aKey() };
    expect((await services.refunds.refundGrant(viewer, input)).refund).toMatchObject({
      destination: 'BALANCE',
      amount: toBalance,
    });
    expect(await posted()).toBe(toBalance);
    sandbox.control.openDispute({ paymentIntent: order.stripePaymentIntentId as string, reason: 'fraudulent' });
    await expectClean();
    const [dispute] = await db.rows<{ amount: number }>('select amount from disputes');
    expect(dispute?.amount).toBe(pricePerDay * 30);
  }, 60_000);

  const step = unit === 0.01 ? 100 : currency === 'KWD' ? 10 : 1;
  if (step === 1) return;
  test('refuses an amount that Stripe does not have before anything is stored', async () => {
    const amount = topUp + 1;
    expect(await services.purchases.topUp(viewer, { amount, currency, idempotencyKey: aKey() })).toMatchObject({
      errors: [{ code: 'INVALID_INPUT', path: ['input', 'amount'] }],
    });
    expect(await plan(pricePerDay, 31)).toMatchObject({ errors: [{ code: 'INVALID_INPUT', path: ['input', 'pricePerDay'] }] });
    expect(await db.rows('select from orders union all select from subscriptions')).toEqual([]);

    const { order } = await services.purchases.topUp(viewer, { amount: topUp, currency, idempotencyKey: aKey() });
    await pay(order);
    const [transaction] = await db.rows<{ id: string }>(`select id from transactions where kind = 'TOP_UP'`);
    const refundOf = (asked: number | null) =>
      services.refunds.refundTransaction(viewer, {
        transactionId: transaction?.id as string,
        amount: asked,
        idempotencyKey: aKey(),
      });
    expect(await refundOf(1_001)).toMatchObject({ errors: [{ code: 'INVALID_INPUT', path: ['input', 'amount'] }] });
    expect(await db.rows('select from refunds')).toEqual([]);
    // Less than what was paid is there now, and not in Stripe's steps: what is left out stays in the balance.
    const spent = { userId: viewer.userId, amount: -1, currency, reason: 'test', idempotencyKey: aKey() };
    expect((await services.adjustments.adjust(admin, spent)).errors).toEqual([]);
    expect((await refundOf(null)).refund).toMatchObject({ status: 'SUCCEEDED', amount: topUp - step });
    expect(await posted()).toBe(step - 1);
    expect(await refundOf(null)).toMatchObject({
      errors: [{ code: 'INSUFFICIENT_FUNDS', shortfall: { amount: 1, currency } }],
    });
    await expectClean();
  }, 60_000);
});
