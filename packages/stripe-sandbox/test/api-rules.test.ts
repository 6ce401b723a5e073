import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import Stripe from 'stripe';
import { clientOf, failureOf, type Kit, openSession, postJson, startKit } from './sandbox-kit.js';
import { until } from './until.js';

let kit: Kit;
beforeAll(async () => {
  kit = await startKit();
});
afterAll(() => kit.stop());

describe('Errors', () => {
  it('answer a wrong key with 401 and show only its last characters', async () => {
    const failure = await failureOf(clientOf(kit.sandbox, { key: 'sk_test_somebody_else_1234' }).products.list());
    expect(failure).toBeInstanceOf(Stripe.errors.StripeAuthenticationError);
    expect(failure.statusCode).toBe(401);
    expect(failure.message).toBe('Invalid API Key provided: sk_test_********1234');
  });

  it('answer an unknown object with 404, and an unknown object named in a parameter with 400', async () => {
    const gone = await failureOf(kit.stripe.refunds.retrieve('re_none'));
    expect(gone).toMatchObject({ statusCode: 404, code: 'resource_missing', param: 'id', message: "No such refund: 're_none'" });
    const named = await failureOf(openSession(kit.stripe, 900, { customer: 'cus_none' }));
    expect(named).toMatchObject({ statusCode: 400, code: 'resource_missing', param: 'customer' });
  });

  it.each([
    ['a missing parameter', { currency: 'usd', unit_amount: 100 }, 'parameter_missing', 'product'],
    ['an unknown parameter', { currency: 'usd', unit_amount: 100, product: 'p', colour: 'red' }, 'parameter_unknown', 'colour'],
    [
      'an unknown nested one',
      { currency: 'usd', unit_amount: 1, product_data: { nam: 'x' } },
      'parameter_unknown',
      'product_data[nam]',
    ],
    ['a number that is none', { currency: 'usd', unit_amount: 'ten', product: 'p' }, 'parameter_invalid_integer', 'unit_amount'],
    [
      'dinars that do not end in 0',
      { currency: 'kwd', unit_amount: 1_005, product_data: { name: 'x' } },
      'parameter_invalid_integer',
      'unit_amount',
    ],
    [
      'hundredths of a króna',
      { currency: 'isk', unit_amount: 1_050, product_data: { name: 'x' } },
      'parameter_invalid_integer',
      'unit_amount',
    ],
    [
      'hundredths of a shilling',
      { currency: 'ugx', unit_amount: 99, product_data: { name: 'x' } },
      'parameter_invalid_integer',
      'unit_amount',
    ],
    ['a negative amount', { currency: 'usd', unit_amount: -1, product: 'p' }, 'parameter_invalid_integer', 'unit_amount'],
    ['an empty text', { currency: 'usd', unit_amount: 1, product: 'p', nickname: '' }, 'parameter_invalid_empty', 'nickname'],
  ])('name the parameter for %s', async (_what, parameters, code, param) => {
    const failure = await failureOf(kit.stripe.prices.create(parameters as unknown as Stripe.PriceCreateParams));
    expect(failure).toMatchObject({ statusCode: 400, type: 'StripeInvalidRequestError', code, param });
  });

  it.each([
    'http:example.com',
    'https:/example.com',
    'https:///example.com',
    'blob:https://example.com/1',
    'javascript:alert(1)',
    'https://example.com/a b',
    'https://example.com/ ',
    'https://example.com\\a',
    'https://example.com/\t',
    'https://example.com/%zz',
    'https://example.com:99999/',
    'https://a.example:{CHECKOUT_SESSION_ID}/',
  ])('name the parameter for the URL %j', async (success_url) => {
    const failure = await failureOf(openSession(kit.stripe, 900, { success_url }));
    expect(failure).toMatchObject({ statusCode: 400, code: 'url_invalid', param: 'success_url' });
  });

  it('refuse an address that the sandbox does not support, even if Stripe does', async () => {
    const failure = await failureOf(kit.stripe.coupons.list());
    expect(failure.statusCode).toBe(404);
    expect(failure.message).toContain('Unrecognized request URL (GET: /v1/coupons)');
  });

  it('include a request id, like every response', async () => {
    expect((await failureOf(kit.stripe.products.retrieve('prod_none'))).requestId).toMatch(/^req_/);
    const list = await kit.stripe.products.list();
    expect(list.lastResponse).toMatchObject({ requestId: expect.stringMatching(/^req_/), apiVersion: Stripe.API_VERSION });
  });
});

describe('The catalogue', () => {
  it('creates, changes and archives products and prices, with events that contain the previous values', async () => {
    const product = await kit.stripe.products.create({
      name: 'Silent films',
      description: 'All of them',
      metadata: { a: '1', b: '2' },
    });
    const price = await kit.stripe.prices.create({
      product: product.id,
      currency: 'usd',
      unit_amount: 900,
      lookup_key: 'silent',
    });
    await kit.stripe.products.update(product.id, {
      name: 'Silent',
      description: '',
      metadata: { a: '', c: '3' },
      default_price: price.id,
    });
    await kit.stripe.prices.update(price.id, { active: false, metadata: { version: '1' } });
    expect(await kit.stripe.products.retrieve(product.id, { expand: ['default_price'] })).toMatchObject({
      name: 'Silent',
      description: null,
      metadata: { b: '2', c: '3' },
      default_price: { active: false, unit_amount: 900 },
    });
    await kit.sandbox.control.flushWebhooks();
    const changed = kit.receiver.events.find((event) => event.type === 'product.updated');
    expect(changed?.data.previous_attributes).toMatchObject({ name: 'Silent films', description: 'All of them' });
    const events = await kit.stripe.events.list({ types: ['price.created', 'price.updated'] });
    expect(events.data.map((event) => event.type)).toEqual(['price.updated', 'price.created']);
  });

  it('does not sell an archived price', async () => {
    const price = await kit.stripe.prices.create({ currency: 'usd', unit_amount: 900, product_data: { name: 'Old' } });
    await kit.stripe.prices.update(price.id, { active: false });
    const failure = await failureOf(openSession(kit.stripe, 0, { line_items: [{ price: price.id, quantity: 1 }] }));
    expect(failure).toMatchObject({ statusCode: 400, param: 'line_items[0][price]' });
  });

  it('finds customers by email, and shows when one was deleted', async () => {
    const ann = await kit.stripe.customers.create({ email: 'find-me@example.com' });
    expect((await kit.stripe.customers.list({ email: 'find-me@example.com' })).data.map((found) => found.id)).toEqual([ann.id]);
    await kit.stripe.customers.update(ann.id, { name: 'Ann' });
    expect(await kit.stripe.customers.del(ann.id)).toMatchObject({ deleted: true });
    expect(await kit.stripe.customers.retrieve(ann.id)).toMatchObject({ id: ann.id, deleted: true });
    expect((await kit.stripe.customers.list({ email: 'find-me@example.com' })).data).toEqual([]);
    expect(await failureOf(openSession(kit.stripe, 900, { customer: ann.id }))).toMatchObject({ code: 'resource_missing' });
  });

  it('has an account', async () => {
    expect(await kit.stripe.accounts.retrieveCurrent()).toMatchObject({ object: 'account', id: expect.stringMatching(/^acct_/) });
  });
});

describe('Lists', () => {
  it('are paged without gaps, in both directions', async () => {
    const made: string[] = [];
    for (let index = 0; index < 25; index++) made.unshift((await kit.stripe.customers.create({ name: `Page ${index}` })).id);
    const all = await kit.stripe.customers.list({ limit: 10 }).autoPagingToArray({ limit: 25 });
    expect(all.map((customer) => customer.id)).toEqual(made);
    const first = await kit.stripe.customers.list({ limit: 10 });
    expect(first).toMatchObject({ object: 'list', has_more: true, url: '/v1/customers' });
    const second = await kit.stripe.customers.list({ limit: 10, starting_after: made[9] as string });
    expect(second.data.map((customer) => customer.id)).toEqual(made.slice(10, 20));
    const back = await kit.stripe.customers.list({ limit: 10, ending_before: made[10] as string });
    expect(back.data.map((customer) => customer.id)).toEqual(made.slice(0, 10));
    expect(back.has_more).toBe(false);
  });

  it('can be filtered by creation time', async () => {
    const now = Math.floor(kit.sandbox.control.now().getTime() / 1000);
    await kit.sandbox.control.advanceClock(1_000_000);
    const later = await kit.stripe.products.create({ name: 'Later' });
    const found = await kit.stripe.products.list({ created: { gt: now + 500 } });
    expect(found.data.map((product) => product.id)).toEqual([later.id]);
  });

  it.each([
    [{ limit: 0 }, 'limit'],
    [{ limit: 101 }, 'limit'],
    [{ starting_after: 'cus_none' }, 'starting_after'],
    [{ expand: ['data.colour'] }, 'expand'],
  ])('refuse %j', async (parameters, param) => {
    await kit.stripe.customers.create({});
    expect(await failureOf(kit.stripe.customers.list(parameters))).toMatchObject({ statusCode: 400, param });
  });
});

describe('An idempotency key', () => {
  it('returns the first response again and does the work once', async () => {
    const first = await kit.stripe.customers.create({ name: 'Once' }, { idempotencyKey: 'key-once' });
    const again = await kit.stripe.customers.create({ name: 'Once' }, { idempotencyKey: 'key-once' });
    expect(again.id).toBe(first.id);
    expect(first.lastResponse.headers['idempotent-replayed']).toBeUndefined();
    expect(again.lastResponse.headers['idempotent-replayed']).toBe('true');
  });

  it('is rejected for a different request', async () => {
    await kit.stripe.customers.create({ name: 'A' }, { idempotencyKey: 'key-other' });
    const failure = await failureOf(kit.stripe.customers.create({ name: 'B' }, { idempotencyKey: 'key-other' }));
    expect(failure).toBeInstanceOf(Stripe.errors.StripeIdempotencyError);
    expect(failure.statusCode).toBe(400);
  });

  it('returns an error again if work had started', async () => {
    const product = { id: 'prod_fixed', name: 'Fixed' };
    await kit.stripe.products.create(product);
    const first = await failureOf(kit.stripe.products.create(product, { idempotencyKey: 'key-refused' }));
    const again = await failureOf(kit.stripe.products.create(product, { idempotencyKey: 'key-refused' }));
    expect([first.code, again.code]).toEqual(['resource_already_exists', 'resource_already_exists']);
    expect(again.headers?.['idempotent-replayed']).toBe('true');
  });

  it('can be used again after a malformed request', async () => {
    const wrong = { name: 'X', colour: 'red' } as Stripe.CustomerCreateParams;
    await failureOf(kit.stripe.customers.create(wrong, { idempotencyKey: 'key-malformed' }));
    await kit.stripe.customers.create({ name: 'X' }, { idempotencyKey: 'key-malformed' });
  });

  it('expires after a day of the sandbox’s clock, not before', async () => {
    const first = await kit.stripe.customers.create({ name: 'Day' }, { idempotencyKey: 'key-day' });
    await kit.sandbox.control.advanceClock((24 * 3_600 - 60) * 1_000);
    expect((await kit.stripe.customers.create({ name: 'Day' }, { idempotencyKey: 'key-day' })).id).toBe(first.id);
    await kit.sandbox.control.advanceClock(120_000);
    expect((await kit.stripe.customers.create({ name: 'Day' }, { idempotencyKey: 'key-day' })).id).not.toBe(first.id);
  });

  it('is locked while its first request is in progress', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', { kind: 'slow', operation: 'customers.create', count: 1, delayMs: 300 });
    const slow = kit.stripe.customers.create({ name: 'Slow' }, { idempotencyKey: 'key-lock' });
    await until(async () => kit.sandbox.control.faults().rules.some((rule) => rule.held === 1));
    const failure = await failureOf(kit.stripe.customers.create({ name: 'Slow' }, { idempotencyKey: 'key-lock' }));
    expect(failure).toMatchObject({ statusCode: 409, code: 'idempotency_key_in_use' });
    const done = await slow;
    expect((await kit.stripe.customers.create({ name: 'Slow' }, { idempotencyKey: 'key-lock' })).id).toBe(done.id);
    kit.sandbox.control.clearFaults();
  });
});

describe('The sandbox’s own addresses', () => {
  it.each([
    ['/sandbox/checkout/cs_test_none/pay', { card: '4242424242424242' }, 404],
    ['/sandbox/checkout/cs_test_none/pay', {}, 400],
    ['/sandbox/faults', { kind: 'none' }, 400],
    ['/sandbox/faults', { kind: 'error_500', probability: 2 }, 400],
    ['/sandbox/faults', { kind: 'error_500', often: true }, 400],
    ['/sandbox/clock', { to: 'tomorrow' }, 400],
    ['/sandbox/disputes', { payment_intent: 'pi_none', reason: 'fraudulent' }, 400],
    ['/sandbox/disputes', { payment_intent: 'pi_none', reason: 'bored' }, 400],
    ['/sandbox/refunds/re_none/succeed', {}, 404],
  ])('answer %s %j with %i and a sentence', async (path, body, status) => {
    const answer = await postJson(kit.sandbox, path, body);
    expect(answer.status).toBe(status);
    expect(answer.body).toMatchObject({ error: { message: expect.stringMatching(/\S \S+ \S/) } });
  });

  it('reject pages of other sites', async () => {
    const headers = { 'sec-fetch-site': 'cross-site' };
    const refused = await fetch(`${kit.sandbox.url}/sandbox/reset`, { method: 'POST', headers });
    expect(refused.status).toBe(403);
  });

  it('reject a body that is too large', async () => {
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const call = request(`${kit.sandbox.url}/sandbox/faults`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
      });
      call.on('response', (response) => resolve(response.resume().statusCode));
      call.on('error', reject);
      call.end(JSON.stringify({ kind: 'x'.repeat(300_000) }));
    });
    expect(status).toBe(413);
  });
});
