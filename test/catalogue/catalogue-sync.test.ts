import { randomUUID } from 'node:crypto';
import { type Sandbox, startSandbox } from '@boxoffice/stripe-sandbox';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import Stripe from 'stripe';
import type { CatalogueSync } from '../../src/services/catalogue/catalogue-sync.js';
import { StripeCustomers } from '../../src/services/catalogue/stripe-customers.js';
import { openStripe } from '../../src/stores/stripe.js';
import { CatalogueScene } from '../support/catalogue-scene.js';
import { MovableClock } from '../support/movable-clock.js';
import { ADMIN, aKey } from '../support/shop.js';
import { type TestDatabase, testDatabase } from '../support/test-database.js';
import { testServices } from '../support/test-services.js';

let postgres: TestDatabase;
let sandbox: Sandbox;
let stripe: Stripe;
let scene: CatalogueScene;
let sync: CatalogueSync;
let clock: MovableClock;
const logged: object[] = [];
const logger = { error: (details: object) => void logged.push(details) };

beforeAll(async () => {
  postgres = await testDatabase();
  sandbox = await startSandbox({ port: 0, webhookUrl: null, webhookSecret: 'whsec_unused', stateFile: null });
  stripe = openStripe({ secretKey: sandbox.secretKey, apiUrl: sandbox.url, timeoutMs: 5_000, attemptsCount: 2 });
});
afterAll(async () => {
  await sandbox.stop();
  await postgres.drop();
});
beforeEach(async () => {
  await fetch(`${sandbox.url}/sandbox/faults`, { method: 'DELETE' });
  await postgres.empty('films', 'subscriptions');
  // The sandbox goes by the real time.
  clock = new MovableClock(new Date().toISOString());
  const services = newNode(stripe);
  sync = services.catalogueSync;
  scene = new CatalogueScene(postgres.database, clock, services);
});

const newNode = (client: Stripe) => testServices({ database: postgres.database, stripe: client, clock, logger, random: () => 1 });
const newSync = (client: Stripe) => newNode(client).catalogueSync;

async function faults(...rules: object[]): Promise<void> {
  const answer = await fetch(`${sandbox.url}/sandbox/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ seed: 1, rules }),
  });
  if (!answer.ok) throw new Error(await answer.text());
}

/** How often each fault came. */
async function heldFaults(): Promise<number[]> {
  const answer = (await (await fetch(`${sandbox.url}/sandbox/faults`)).json()) as { rules: { held: number }[] };
  return answer.rules.map((rule) => rule.held);
}

async function stored(id: string) {
  await sync.settled();
  const [plan] = await scene.catalogue.subscriptionsByIds([id]);
  if (!plan) throw new Error('no such subscription');
  return plan;
}

/** The active prices' amounts of the product. */
async function amountsOnSale(productId: string | null): Promise<(number | null)[]> {
  const { data } = await stripe.prices.list({ product: productId ?? '', active: true, limit: 100 });
  return data.map((price) => price.unit_amount);
}

describe('the copy of a subscription at Stripe', () => {
  test('is not made for a draft', async () => {
    const { id } = await scene.draft(await scene.films('A'));
    expect(await sync.synchronise(id)).toBe('NOT_DUE');
    expect(await stored(id)).toMatchObject({ stripeSyncStatus: 'NOT_NEEDED', stripeProductId: null });
  });

  test('is made when it goes on sale: product and price, traceable to it', async () => {
    const { id } = await scene.onSale(await scene.films('A'), { title: 'Nights', pricePerDay: 50, durationDays: 4 });
    const plan = await stored(id);
    expect(plan).toMatchObject({ stripeSyncStatus: 'SYNCED', stripeSyncedAt: clock.now(), stripeSyncAttempts: 0 });
    const product = await stripe.products.retrieve(plan.stripeProductId ?? '');
    expect(product).toMatchObject({ name: 'Nights', active: true, metadata: { subscription_id: id } });
    const price = await stripe.prices.retrieve(plan.stripePriceId ?? '');
    expect(price).toMatchObject({ unit_amount: 200, currency: 'usd', active: true, product: product.id });
    expect(price.metadata).toMatchObject({ subscription_id: id, version_id: plan.versionId, version: '1' });
  });

  test('follows new words, and a new price in place of the old one', async () => {
    const { id } = await scene.onSale(await scene.films('A'), { durationDays: 1, pricePerDay: 100 });
    const before = await stored(id);
    await scene.update({ id, title: 'Renamed', description: '' });
    await scene.update({ id, pricePerDay: 120 });
    const after = await stored(id);
    expect(after.stripeProductId).toBe(before.stripeProductId);
    expect(await stripe.products.retrieve(after.stripeProductId ?? '')).toMatchObject({ name: 'Renamed' });
    expect(await amountsOnSale(after.stripeProductId)).toEqual([120]);
    expect(await stripe.prices.retrieve(before.stripePriceId ?? '')).toMatchObject({ active: false });
  });

  test('goes back to words that it had before', async () => {
    const { id } = await scene.onSale(await scene.films('A'), { title: 'First' });
    for (const title of ['Second', 'First']) {
      await scene.update({ id, title });
      expect(await stripe.products.retrieve((await stored(id)).stripeProductId ?? '')).toMatchObject({ name: title });
    }
  });

  test('is archived with it, with all prices', async () => {
    const { id } = await scene.onSale(await scene.films('A'));
    await scene.admin.archiveSubscription(ADMIN, id);
    const { stripeProductId, stripeSyncStatus } = await stored(id);
    expect(stripeSyncStatus).toBe('SYNCED');
    expect(await stripe.products.retrieve(stripeProductId ?? '')).toMatchObject({ active: false });
    expect(await amountsOnSale(stripeProductId)).toEqual([]);
  });

  test('ends at the newest state after many changes at once, without a second product', async () => {
    const { id } = await scene.onSale(await scene.films('A'), { durationDays: 1 });
    await Promise.all([11, 12, 13, 14, 15].map((pricePerDay) => scene.update({ id, pricePerDay })));
    const others = [newSync(stripe), newSync(stripe)];
    await Promise.all([sync.synchronise(id), ...others.map((other) => other.synchronise(id))]);
    await sync.settled();
    await sync.repairDue(10);
    const plan = await stored(id);
    expect(plan.stripeSyncStatus).toBe('SYNCED');
    expect(await amountsOnSale(plan.stripeProductId)).toEqual([plan.price]);
    const products = await stripe.products.list({ limit: 100 });
    expect(products.data.filter((product) => product.metadata.subscription_id === id)).toHaveLength(1);
  });

  test('that fails is recorded, rescheduled, and repaired by the job when it is due', async () => {
    await faults({ kind: 'error_500', operation: 'products.create' });
    const { id } = await scene.onSale(await scene.films('A'));
    const failed = await stored(id);
    expect(failed).toMatchObject({ stripeSyncStatus: 'PENDING', stripeSyncAttempts: 1, stripePriceId: null });
    expect(failed.stripeSyncError).not.toContain(sandbox.secretKey);
    expect(failed.stripeSyncError).toBeTruthy();
    expect(await sync.repairDue(10)).toBe(0);
    clock.advanceMs(5_000);
    await sync.repairDue(10);
    expect(await stored(id)).toMatchObject({ stripeSyncStatus: 'PENDING', stripeSyncAttempts: 2 });
    await faults();
    clock.advanceMs(60_000);
    expect(await sync.repairDue(10)).toBe(1);
    expect(await stored(id)).toMatchObject({ stripeSyncStatus: 'SYNCED', stripeSyncAttempts: 0, stripeSyncError: null });
  });

  test('leaves an answer of 500 behind that Stripe keeps for the key', async () => {
    await faults({ kind: 'error_500', operation: 'products.create', saved: true, count: 1 });
    const { id } = await scene.onSale(await scene.films('A'));
    await stored(id);
    clock.advanceMs(60_000);
    await sync.repairDue(10);
    expect(await stored(id)).toMatchObject({ stripeSyncStatus: 'SYNCED' });
  });

  test.each(['timeout_after_work', 'error_500_after_work'])(
    'is made once when Stripe has done it and does not say so (%s)',
    async (kind) => {
      const impatient = newSync(
        openStripe({ secretKey: sandbox.secretKey, apiUrl: sandbox.url, timeoutMs: 300, attemptsCount: 1 }),
      );
      const { id } = await scene.draft(await scene.films('A'));
      await faults({ kind, operation: 'products.create', count: 1 }, { kind, operation: 'prices.create', count: 1 });
      scene = new CatalogueScene(postgres.database, clock);
      await scene.admin.activateSubscription(ADMIN, id);
      for (let tries = 0; tries < 4 && (await impatient.synchronise(id)) !== 'SYNCED'; tries++) clock.advanceMs(60_000);
      expect(await heldFaults()).toEqual([1, 1]);
      const plan = await stored(id);
      expect(plan.stripeSyncStatus).toBe('SYNCED');
      expect(await amountsOnSale(plan.stripeProductId)).toEqual([plan.price]);
    },
  );

  test('whose process died is taken over after its lease', async () => {
    scene = new CatalogueScene(postgres.database, clock);
    const { id } = await scene.onSale(await scene.films('A'));
    const lease = `update subscriptions set stripe_sync_due_at = $2 where id = $1`;
    await postgres.rows(lease, [id, new Date(clock.now().getTime() + 5 * 60_000)]);
    expect(await sync.repairDue(10)).toBe(0);
    clock.advanceMs(5 * 60_000);
    expect(await sync.repairDue(10)).toBe(1);
    expect(await stored(id)).toMatchObject({ stripeSyncStatus: 'SYNCED' });
  });

  test('repairs what was archived or added manually at Stripe', async () => {
    const { id } = await scene.onSale(await scene.films('A'), { durationDays: 1 });
    const plan = await stored(id);
    await stripe.prices.update(plan.stripePriceId ?? '', { active: false });
    await stripe.prices.create({ product: plan.stripeProductId ?? '', currency: 'usd', unit_amount: 1 });
    await scene.update({ id, title: 'Touched' });
    expect((await stored(id)).stripePriceId).toBe(plan.stripePriceId);
    expect(await amountsOnSale(plan.stripeProductId)).toEqual([100]);
  });
});

describe('the price of a version', () => {
  test('is made for a checkout when it is not there yet, once however many ask', async () => {
    scene = new CatalogueScene(postgres.database, clock);
    const plan = await scene.onSale(await scene.films('A'), { durationDays: 1 });
    const prices = await Promise.all(Array.from({ length: 5 }, () => newSync(stripe).ensurePrice(plan.versionId)));
    expect(new Set(prices).size).toBe(1);
    await sync.repairDue(10);
    expect(await stored(plan.id)).toMatchObject({ stripePriceId: prices[0], stripeSyncStatus: 'SYNCED' });
    expect(await amountsOnSale((await stored(plan.id)).stripeProductId)).toEqual([100]);
  });

  test('of a version sold before stays known', async () => {
    const plan = await scene.onSale(await scene.films('A'));
    const { stripePriceId } = await stored(plan.id);
    await scene.update({ id: plan.id, pricePerDay: 1 });
    await sync.settled();
    expect(await sync.ensurePrice(plan.versionId)).toBe(stripePriceId);
  });
});

describe('the customer of a viewer', () => {
  test('is one, however many ask at once, and carries the viewer', async () => {
    const viewer = randomUUID();
    const nodes = Array.from({ length: 8 }, () => new StripeCustomers(postgres.database, stripe, clock));
    const ids = await Promise.all(nodes.map((node) => node.customerOf(viewer)));
    expect(new Set(ids).size).toBe(1);
    expect(await stripe.customers.retrieve(ids[0] ?? '')).toMatchObject({ metadata: { user_id: viewer } });
    const all = await stripe.customers.list({ limit: 100 });
    expect(all.data.filter((customer) => customer.metadata.user_id === viewer)).toHaveLength(1);
  });

  test('is made in spite of a failure that Stripe keeps for the key', async () => {
    await faults({ kind: 'error_500', operation: 'customers.create', saved: true, count: 1 });
    const customers = new StripeCustomers(postgres.database, stripe, clock);
    const viewer = randomUUID();
    await customers.customerOf(viewer).catch(() => undefined);
    expect(await customers.customerOf(viewer)).toMatch(/^cus_/);
  });
});

describe('a checkout at another account of Stripe than the one that was copied to', () => {
  test('finds price and customer missing, makes them there, and is opened', async () => {
    const { id } = await scene.onSale(await scene.films('A'), { durationDays: 1 });
    const userId = randomUUID();
    const formerCustomer = await new StripeCustomers(postgres.database, stripe, clock).customerOf(userId);
    const formerPrice = (await stored(id)).stripePriceId;
    const other = await startSandbox({ port: 0, webhookUrl: null, webhookSecret: 'whsec_unused', stateFile: null });
    try {
      const client = openStripe({ secretKey: other.secretKey, apiUrl: other.url, timeoutMs: 5_000, attemptsCount: 1 });
      const input = { subscriptionId: id, payWith: 'CARD', idempotencyKey: aKey() } as const;
      const { order } = await newNode(client).purchases.purchase({ userId, role: 'VIEWER' }, input);
      const session = await client.checkout.sessions.retrieve(order?.stripeSessionId ?? '', { expand: ['line_items'] });
      const customer = await new StripeCustomers(postgres.database, client, clock).customerOf(userId);
      expect(session).toMatchObject({ amount_total: 100, customer });
      expect(session.customer).not.toBe(formerCustomer);
      expect(session.line_items?.data[0]?.price?.id).toBe((await stored(id)).stripePriceId);
      expect((await stored(id)).stripePriceId).not.toBe(formerPrice);
    } finally {
      await other.stop();
    }
  });
});
