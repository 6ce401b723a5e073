import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Stripe from 'stripe';
import { API_VERSION, type EventType } from '../src/bodies.js';
import { type Kit, openSession, paidSession, postJson, startKit } from './sandbox-kit.js';
import { problemsWith } from './sdk-types.js';

/** Where the SDK keeps the type of each object. */
const TYPES: Record<string, [file: string, type: string]> = {
  account: ['Accounts', 'Account'],
  balance_transaction: ['BalanceTransactions', 'BalanceTransaction'],
  charge: ['Charges', 'Charge'],
  'checkout.session': ['Checkout/Sessions', 'Session'],
  customer: ['Customers', 'Customer'],
  dispute: ['Disputes', 'Dispute'],
  event: ['Events', 'EventBase'],
  item: ['LineItems', 'LineItem'],
  payment_intent: ['PaymentIntents', 'PaymentIntent'],
  price: ['Prices', 'Price'],
  product: ['Products', 'Product'],
  refund: ['Refunds', 'Refund'],
};

const EVENT_TYPES: readonly EventType[] = [
  'charge.dispute.closed',
  'charge.dispute.created',
  'charge.dispute.funds_reinstated',
  'charge.dispute.funds_withdrawn',
  'charge.dispute.updated',
  'charge.failed',
  'charge.pending',
  'charge.refund.updated',
  'charge.refunded',
  'charge.succeeded',
  'charge.updated',
  'checkout.session.async_payment_failed',
  'checkout.session.async_payment_succeeded',
  'checkout.session.completed',
  'checkout.session.expired',
  'customer.created',
  'customer.deleted',
  'customer.updated',
  'payment_intent.canceled',
  'payment_intent.created',
  'payment_intent.payment_failed',
  'payment_intent.processing',
  'payment_intent.succeeded',
  'price.created',
  'price.updated',
  'product.created',
  'product.updated',
  'refund.created',
  'refund.failed',
  'refund.updated',
];

let kit: Kit;
let events: Record<string, unknown>[];
beforeAll(async () => {
  kit = await startKit();
  await liveThroughEverything(kit);
  events = [];
  let after: string | undefined;
  for (;;) {
    const page = await readRaw(`/v1/events?limit=100${after === undefined ? '' : `&starting_after=${after}`}`);
    events.push(...(page.data as Record<string, unknown>[]));
    if (page.has_more !== true) break;
    after = String(events.at(-1)?.id);
  }
});
afterAll(() => kit.stop());

/** The API's raw response, before the SDK processes it. */
async function readRaw(path: string): Promise<Record<string, unknown>> {
  const response = await fetch(kit.sandbox.url + path, { headers: { authorization: `Bearer ${kit.sandbox.secretKey}` } });
  return (await response.json()) as Record<string, unknown>;
}

/** Produces every state and event that the sandbox supports. */
async function liveThroughEverything({ stripe, sandbox }: Kit): Promise<void> {
  const customer = await stripe.customers.create({ email: 'ann@example.com', name: 'Ann', phone: '123', metadata: { a: 'b' } });
  const product = await stripe.products.create({ name: 'Films', images: ['http://127.0.0.1/a.png'] });
  await stripe.products.update(product.id, { description: 'Many', unit_label: 'day', url: 'http://127.0.0.1/' });
  const price = await stripe.prices.create({ product: product.id, currency: 'eur', unit_amount: 500, lookup_key: 'films' });
  await stripe.prices.update(price.id, { nickname: 'Old' });
  const pay = (id: string, body: object) => postJson(sandbox, `/sandbox/checkout/${id}/pay`, body);
  const euro = { customer: customer.id, line_items: [{ price: price.id, quantity: 2 }], metadata: { order: 'o' } };
  const debit = await openSession(stripe, 0, euro);
  await pay(debit.id, { method: 'delayed_success' });
  await pay((await openSession(stripe)).id, { method: 'delayed_failure' });
  const declined = await openSession(stripe);
  await pay(declined.id, { card: '4000000000009995' });
  await stripe.checkout.sessions.expire(declined.id);
  await sandbox.control.advanceClock(60_000);
  const { payment_intent: debitIntent } = await stripe.checkout.sessions.retrieve(debit.id);
  await stripe.refunds.create({ payment_intent: String(debitIntent), amount: 100 });
  const { paymentIntent } = await paidSession(kit, 900, { customer: customer.id, payment_intent_data: { metadata: { o: 'p' } } });
  sandbox.control.addFault({ kind: 'refund_pending', count: 2 });
  const pending = await stripe.refunds.create({ payment_intent: paymentIntent, amount: 100, reason: 'fraudulent' });
  sandbox.control.succeedRefund((await stripe.refunds.create({ payment_intent: paymentIntent, amount: 50 })).id);
  sandbox.control.failRefund(pending.id, 'lost_or_stolen_card');
  await stripe.refunds.update(pending.id, { metadata: { x: 'y' } });
  const dispute = sandbox.control.openDispute({ paymentIntent, reason: 'fraudulent' });
  await stripe.disputes.update(dispute.id, { evidence: { customer_name: 'Ann' } });
  sandbox.control.closeDispute(dispute.id, 'won');
  sandbox.control.openDispute({ paymentIntent: (await paidSession(kit)).paymentIntent, reason: 'general', kind: 'inquiry' });
  await pay((await openSession(stripe, 0)).id, { card: '4242424242424242' });
  await openSession(stripe, 900, { customer_email: 'bob@example.com' });
  await stripe.customers.update(customer.id, { name: 'Anne' });
  const leaving = await stripe.customers.create({});
  await stripe.customers.del(leaving.id);
}

function problemsOf(body: unknown): string[] {
  const { object, deleted } = body as { object: string; deleted?: true };
  if (object === 'customer' && deleted === true) return problemsWith(body, 'Customers', 'DeletedCustomer');
  const [file, type] = TYPES[object] ?? ['', ''];
  return problemsWith(body, file, type);
}

describe('Compared with the types of the pinned SDK', () => {
  it('the sandbox uses the same API version', () => {
    expect(API_VERSION).toBe(Stripe.API_VERSION);
  });

  it.each([
    ['/v1/products', 'product'],
    ['/v1/prices', 'price'],
    ['/v1/customers', 'customer'],
    ['/v1/checkout/sessions', 'checkout.session'],
    ['/v1/payment_intents', 'payment_intent'],
    ['/v1/charges', 'charge'],
    ['/v1/refunds', 'refund'],
    ['/v1/disputes', 'dispute'],
    ['/v1/balance_transactions', 'balance_transaction'],
    ['/v1/events', 'event'],
  ])('%s lists objects with every field of a %s, and no other', async (path, object) => {
    const list = await readRaw(`${path}?limit=100`);
    expect(Object.keys(list).sort()).toEqual(['data', 'has_more', 'object', 'url']);
    const bodies = list.data as { object: string }[];
    expect(bodies.length).toBeGreaterThan(0);
    expect(new Set(bodies.map((body) => body.object))).toEqual(new Set([object]));
    expect(bodies.flatMap(problemsOf)).toEqual([]);
  });

  it('expanded objects match too', async () => {
    const sessions = await readRaw(
      '/v1/checkout/sessions?limit=100&expand[]=data.line_items&expand[]=data.payment_intent.latest_charge',
    );
    expect((sessions.data as unknown[]).flatMap(problemsOf)).toEqual([]);
    const charges = await readRaw(
      '/v1/charges?limit=100&expand[]=data.refunds&expand[]=data.balance_transaction&expand[]=data.customer',
    );
    expect((charges.data as unknown[]).flatMap(problemsOf)).toEqual([]);
  });

  it('line items and the account match', async () => {
    const sessions = await readRaw('/v1/checkout/sessions');
    const [{ id }] = sessions.data as [{ id: string }];
    const items = await readRaw(`/v1/checkout/sessions/${id}/line_items`);
    expect((items.data as unknown[]).flatMap(problemsOf)).toEqual([]);
    expect(problemsOf(await readRaw('/v1/account'))).toEqual([]);
  });

  it('every type of event was created', () => {
    const made = new Set(events.map((event) => event.type));
    expect(EVENT_TYPES.filter((type) => !made.has(type))).toEqual([]);
    expect([...made].filter((type) => !EVENT_TYPES.some((known) => known === type))).toEqual([]);
  });

  it.each(EVENT_TYPES.map((type) => [type]))('the object in %s matches', (type) => {
    const found = events.filter((event) => event.type === type);
    for (const event of found) {
      const { object, ...data } = event.data as { object: object; previous_attributes?: object };
      expect(problemsOf(object)).toEqual([]);
      expect(Object.keys(data).filter((key) => key !== 'previous_attributes')).toEqual([]);
      for (const name of Object.keys(data.previous_attributes ?? {})) expect(Object.keys(object)).toContain(name);
    }
  });

  it('a missing, an unknown and a wrong field are detected', async () => {
    const { id: _id, ...rest } = (await readRaw('/v1/account')) as Record<string, unknown>;
    const spoilt = { ...rest, colour: 'red', charges_enabled: 'yes', default_currency: null };
    expect(problemsWith(spoilt, 'Accounts', 'Account').map((problem) => problem.split(':')[0])).toEqual([
      'Account.id is missing',
      'Account.charges_enabled',
      'Account.default_currency',
      'Account.colour is unknown to the SDK',
    ]);
  });
});
