import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { failureOf, type Kit, openSession, paidSession, postJson, startKit } from './sandbox-kit.js';

let kit: Kit;
beforeAll(async () => {
  kit = await startKit();
});
afterAll(() => kit.stop());

async function eventsOf(work: () => Promise<unknown>): Promise<string[]> {
  await kit.sandbox.control.flushWebhooks();
  kit.receiver.events.length = 0;
  await work();
  await kit.sandbox.control.flushWebhooks();
  return kit.receiver.types();
}

describe('A checkout session', () => {
  it('is created unpaid, with its own URL, and expires within a day', async () => {
    const customer = await kit.stripe.customers.create({ email: 'ann@example.com', name: 'Ann' });
    const session = await openSession(kit.stripe, 900, {
      customer: customer.id,
      client_reference_id: 'order-1',
      metadata: { order: '1' },
    });
    expect(session).toMatchObject({
      object: 'checkout.session',
      status: 'open',
      payment_status: 'unpaid',
      amount_total: 900,
      currency: 'usd',
      customer: customer.id,
      client_reference_id: 'order-1',
      metadata: { order: '1' },
      payment_intent: null,
    });
    expect(session.id).toMatch(/^cs_test_/);
    expect(session.url).toBe(`${kit.sandbox.url}/checkout/${session.id}`);
    expect(session.expires_at - session.created).toBe(24 * 60 * 60);
    expect(session).not.toHaveProperty('line_items');
  });

  it('returns its line items on request, with their prices', async () => {
    const product = await kit.stripe.products.create({ name: 'Metropolis' });
    const price = await kit.stripe.prices.create({ product: product.id, currency: 'usd', unit_amount: 250 });
    const session = await openSession(kit.stripe, 0, { line_items: [{ price: price.id, quantity: 3 }] });
    expect(session.amount_total).toBe(750);
    const items = await kit.stripe.checkout.sessions.listLineItems(session.id);
    expect(items.data).toHaveLength(1);
    expect(items.data[0]).toMatchObject({ description: 'Metropolis', amount_total: 750, quantity: 3, price: { id: price.id } });
    const shown = await kit.stripe.checkout.sessions.retrieve(session.id, { expand: ['line_items'] });
    expect(shown.line_items?.data.map((item) => item.id)).toEqual(items.data.map((item) => item.id));
  });

  it('is paid with the test card 4242 and sends its events in Stripe’s order', async () => {
    const session = await openSession(kit.stripe, 900, { payment_intent_data: { metadata: { order: '7' } } });
    let answer: Awaited<ReturnType<typeof postJson>> | undefined;
    const types = await eventsOf(async () => {
      answer = await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/pay`, { card: '4242 4242 4242 4242' });
    });
    expect(answer?.status).toBe(200);
    expect(answer?.body).toMatchObject({
      status: 'complete',
      payment_status: 'paid',
      redirect_url: `http://127.0.0.1:9/thanks?session=${session.id}`,
    });
    expect(types).toEqual([
      'payment_intent.created',
      'charge.succeeded',
      'payment_intent.succeeded',
      'checkout.session.completed',
      'charge.updated',
    ]);
    const paid = await kit.stripe.checkout.sessions.retrieve(session.id, {
      expand: ['payment_intent.latest_charge.balance_transaction'],
    });
    expect(paid).toMatchObject({
      url: null,
      payment_intent: {
        status: 'succeeded',
        amount_received: 900,
        metadata: { order: '7' },
        latest_charge: {
          paid: true,
          amount_captured: 900,
          payment_method_details: { type: 'card', card: { brand: 'visa', last4: '4242' } },
          balance_transaction: { amount: 900, fee: 56, net: 844, type: 'charge' },
        },
      },
    });
  });

  it('can be paid with the same payment intent after a decline', async () => {
    const session = await openSession(kit.stripe);
    const types = await eventsOf(async () => {
      const declined = await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/pay`, { card: '4000000000009995' });
      expect(declined.status).toBe(402);
      expect(declined.body).toMatchObject({
        status: 'open',
        error: { type: 'card_error', code: 'card_declined', decline_code: 'insufficient_funds' },
      });
    });
    expect(types).toEqual(['payment_intent.created', 'charge.failed', 'payment_intent.payment_failed']);
    const after = await kit.stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] });
    expect(after).toMatchObject({
      status: 'open',
      payment_status: 'unpaid',
      payment_intent: { status: 'requires_payment_method', last_payment_error: { decline_code: 'insufficient_funds' } },
    });
    await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/pay`, { card: '4242424242424242' });
    const paid = await kit.stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] });
    expect(paid.payment_status).toBe('paid');
    expect(paid.payment_intent).toMatchObject({ id: (after.payment_intent as { id: string }).id, last_payment_error: null });
  });

  it('rejects a number that is not a test card', async () => {
    const session = await openSession(kit.stripe);
    const answer = await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/pay`, { card: '4111111111111111' });
    expect(answer.status).toBe(402);
    expect(JSON.stringify(answer.body)).not.toContain('4111');
  });

  it('can be paid only once', async () => {
    const { id } = await paidSession(kit);
    const again = await postJson(kit.sandbox, `/sandbox/checkout/${id}/pay`, { card: '4242424242424242' });
    expect(again.status).toBe(400);
    expect(again.body).toMatchObject({ error: { message: 'This Checkout Session cannot be paid: it is complete.' } });
  });

  it('with a total of zero completes without a payment', async () => {
    const session = await openSession(kit.stripe, 0);
    const types = await eventsOf(() =>
      postJson(kit.sandbox, `/sandbox/checkout/${session.id}/pay`, { card: '4242424242424242' }),
    );
    expect(types).toEqual(['checkout.session.completed']);
    expect(await kit.stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
      status: 'complete',
      payment_status: 'no_payment_required',
      payment_intent: null,
    });
  });

  it('can be expired only while it is open', async () => {
    const session = await openSession(kit.stripe);
    const types = await eventsOf(() => kit.stripe.checkout.sessions.expire(session.id));
    expect(types).toEqual(['checkout.session.expired']);
    const again = await failureOf(kit.stripe.checkout.sessions.expire(session.id));
    expect(again.message).toContain('status of expired');
    const paid = await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/pay`, { card: '4242424242424242' });
    expect(paid.status).toBe(400);
  });

  it('expires automatically', async () => {
    const short = await openSession(kit.stripe, 900, {
      expires_at: Math.floor(kit.sandbox.control.now().getTime() / 1000) + 1_900,
    });
    const types = await eventsOf(() => postJson(kit.sandbox, '/sandbox/clock', { advanceMs: 1901_000 }));
    expect(types).toContain('checkout.session.expired');
    expect((await kit.stripe.checkout.sessions.retrieve(short.id)).status).toBe('expired');
  });

  it('expires by the given clock as soon as it is read', async () => {
    let now = new Date('2030-01-01T00:00:00Z');
    const other = await startKit({ clock: { now: () => now }, webhookUrl: null });
    try {
      const session = await openSession(other.stripe);
      expect(session.created).toBe(now.getTime() / 1000);
      now = new Date('2030-01-02T00:00:00Z');
      expect((await other.stripe.checkout.sessions.retrieve(session.id)).status).toBe('expired');
    } finally {
      await other.stop();
    }
  });

  it.each([
    ['less than 30 minutes', 29 * 60, 'at least 30 minutes'],
    ['more than 24 hours', 25 * 60 * 60, 'less than 24 hours'],
  ])('refuses to stay open for %s', async (_length, seconds, message) => {
    const now = Math.floor(kit.sandbox.control.now().getTime() / 1000);
    const failure = await failureOf(openSession(kit.stripe, 900, { expires_at: now + seconds }));
    expect(failure).toMatchObject({ statusCode: 400, param: 'expires_at' });
    expect(failure.message).toContain(message);
  });

  it('refuses payment_method_types, which this version of the API no longer has', async () => {
    const removed = { payment_method_types: ['card'] } as object;
    expect(await failureOf(openSession(kit.stripe, 900, removed))).toMatchObject({
      code: 'parameter_unknown',
      param: 'payment_method_types',
    });
  });

  it('refuses an amount below what Stripe charges', async () => {
    expect(await failureOf(openSession(kit.stripe, 30))).toMatchObject({ code: 'amount_too_small' });
  });
});

describe('A bank debit', () => {
  it('completes the session unpaid and succeeds later', async () => {
    const session = await openSession(kit.stripe);
    const started = await eventsOf(() =>
      postJson(kit.sandbox, `/sandbox/checkout/${session.id}/pay`, { method: 'delayed_success' }),
    );
    expect(started).toEqual([
      'payment_intent.created',
      'payment_intent.processing',
      'charge.pending',
      'checkout.session.completed',
    ]);
    expect(await kit.stripe.checkout.sessions.retrieve(session.id, { expand: ['payment_intent'] })).toMatchObject({
      status: 'complete',
      payment_status: 'unpaid',
      payment_intent: { status: 'processing' },
    });
    const settled = await eventsOf(() => postJson(kit.sandbox, '/sandbox/clock', { advanceMs: 60_000 }));
    expect(settled).toEqual([
      'charge.succeeded',
      'payment_intent.succeeded',
      'checkout.session.async_payment_succeeded',
      'charge.updated',
    ]);
    expect((await kit.stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('paid');
  });

  it('may fail later', async () => {
    const session = await openSession(kit.stripe);
    await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/pay`, { method: 'delayed_failure' });
    const settled = await eventsOf(() => postJson(kit.sandbox, '/sandbox/clock', { advanceMs: 60_000 }));
    expect(settled).toEqual(['charge.failed', 'payment_intent.payment_failed', 'checkout.session.async_payment_failed']);
    expect(await kit.stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
      status: 'complete',
      payment_status: 'unpaid',
    });
  });

  it('stays pending until it is settled, however much time passes', async () => {
    const session = await openSession(kit.stripe);
    await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/pay`, { method: 'delayed_until_settled' });
    await postJson(kit.sandbox, '/sandbox/clock', { advanceMs: 30 * 24 * 3_600 * 1_000 });
    expect(await kit.stripe.checkout.sessions.retrieve(session.id)).toMatchObject({
      status: 'complete',
      payment_status: 'unpaid',
    });
    const settled = await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/settle`, { outcome: 'succeeded' });
    expect(settled.body).toMatchObject({ payment_status: 'paid' });
  });

  it('waits to be settled manually if a fault rule holds it', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', { kind: 'hold_delayed_payments', count: 1 });
    const session = await openSession(kit.stripe);
    await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/pay`, { method: 'delayed_success' });
    await postJson(kit.sandbox, '/sandbox/clock', { advanceMs: 3600_000 });
    expect((await kit.stripe.checkout.sessions.retrieve(session.id)).payment_status).toBe('unpaid');
    const settled = await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/settle`, { outcome: 'succeeded' });
    expect(settled.body).toMatchObject({ payment_status: 'paid' });
    const again = await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/settle`, { outcome: 'failed' });
    expect(again.status).toBe(400);
  });
});
