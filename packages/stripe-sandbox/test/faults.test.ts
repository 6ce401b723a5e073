import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import Stripe from 'stripe';
import { clientOf, failureOf, type Kit, paidSession, postJson, startKit } from './sandbox-kit.js';
import { until } from './until.js';

let kit: Kit;
beforeEach(async () => {
  kit = await startKit();
});
afterEach(() => kit.stop());

/** The SDK retries once when a connection breaks, so a call fails only if two attempts in a row do. */
const BOTH_ATTEMPTS = 2;

describe('A fault of the API', () => {
  it('answers the next calls of one operation with 500 without doing any work', async () => {
    const { paymentIntent } = await paidSession(kit);
    await postJson(kit.sandbox, '/sandbox/faults', { kind: 'error_500', operation: 'refunds.create', count: 2 });
    await kit.stripe.customers.create({});
    for (let attempt = 0; attempt < 2; attempt++) {
      const failure = await failureOf(
        kit.stripe.refunds.create({ payment_intent: paymentIntent }, { idempotencyKey: 'refund-1' }),
      );
      expect(failure).toBeInstanceOf(Stripe.errors.StripeAPIError);
      expect(failure.statusCode).toBe(500);
    }
    expect((await kit.stripe.refunds.list()).data).toEqual([]);
    const refund = await kit.stripe.refunds.create({ payment_intent: paymentIntent }, { idempotencyKey: 'refund-1' });
    expect(refund.status).toBe('succeeded');
  });

  it('is overcome by the SDK’s own retries', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', { kind: 'error_500', operation: 'customers.create', count: 1 });
    const patient = clientOf(kit.sandbox, { retries: 2 });
    expect(await patient.customers.create({ name: 'Patient' })).toMatchObject({ name: 'Patient' });
  });

  it('may do the work, answer 500, and answer 500 again for the same key', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', { kind: 'error_500_after_work', operation: 'customers.create', count: 1 });
    const patient = clientOf(kit.sandbox, { retries: 2 });
    expect(await failureOf(patient.customers.create({}, { idempotencyKey: 'key' }))).toMatchObject({ statusCode: 500 });
    expect(await failureOf(kit.stripe.customers.create({}, { idempotencyKey: 'key' }))).toMatchObject({ statusCode: 500 });
    expect((await kit.stripe.customers.list()).data).toHaveLength(1);
  });

  it('may be stored as the response to the key, without any work done', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', { kind: 'error_500', saved: true, operation: 'customers.create', count: 1 });
    for (let attempt = 0; attempt < 2; attempt++) {
      expect(await failureOf(kit.stripe.customers.create({}, { idempotencyKey: 'key' }))).toMatchObject({ statusCode: 500 });
    }
    expect((await kit.stripe.customers.list()).data).toEqual([]);
  });

  it('answers 429 like Stripe’s rate limit', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', { kind: 'error_429', operation: 'products.list', count: 1 });
    const failure = await failureOf(kit.stripe.products.list());
    expect(failure).toBeInstanceOf(Stripe.errors.StripeRateLimitError);
    expect(failure).toMatchObject({ statusCode: 429, code: 'rate_limit' });
    await kit.stripe.products.list();
  });

  it('may break the connection after the work: the same key then returns the response', async () => {
    const { paymentIntent } = await paidSession(kit);
    await postJson(kit.sandbox, '/sandbox/faults', {
      kind: 'timeout_after_work',
      operation: 'refunds.create',
      count: BOTH_ATTEMPTS,
    });
    const failure = await failureOf(kit.stripe.refunds.create({ payment_intent: paymentIntent }, { idempotencyKey: 'refund-2' }));
    expect(failure).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    const [done] = (await kit.stripe.refunds.list()).data;
    const again = await kit.stripe.refunds.create({ payment_intent: paymentIntent }, { idempotencyKey: 'refund-2' });
    expect(again.id).toBe(done?.id);
  });

  it('may break the connection before the work', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', {
      kind: 'timeout_before_work',
      operation: 'customers.create',
      count: BOTH_ATTEMPTS,
    });
    expect(await failureOf(kit.stripe.customers.create({}))).toBeInstanceOf(Stripe.errors.StripeConnectionError);
    expect((await kit.stripe.customers.list()).data).toEqual([]);
  });

  it('is listed with the number of times it applied, and can be cleared', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', { kind: 'error_500', operation: 'products.list' });
    await failureOf(kit.stripe.products.list());
    const shown = await fetch(`${kit.sandbox.url}/sandbox/faults`);
    expect(await shown.json()).toEqual({ seed: 1, rules: [{ kind: 'error_500', operation: 'products.list', held: 1 }] });
    await fetch(`${kit.sandbox.url}/sandbox/faults`, { method: 'DELETE' });
    await kit.stripe.products.list();
  });

  it('with a probability makes the same decisions for the same seed', async () => {
    const draw = async (seed: number) => {
      await postJson(kit.sandbox, '/sandbox/faults', {
        seed,
        rules: [{ kind: 'error_500', operation: 'products.list', probability: 0.4 }],
      });
      let drawn = '';
      for (let call = 0; call < 30; call++) {
        drawn += await kit.stripe.products.list().then(
          () => '.',
          () => 'x',
        );
      }
      return drawn;
    };
    const first = await draw(7);
    expect(first).toContain('x');
    expect(first).toContain('.');
    expect(await draw(7)).toBe(first);
    expect(await draw(8)).not.toBe(first);
  });
});

describe('A fault of the webhooks', () => {
  it('sends them twice', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', { kind: 'webhook_duplicate' });
    await kit.stripe.customers.create({});
    await kit.sandbox.control.flushWebhooks();
    expect(kit.receiver.events).toHaveLength(2);
    expect(kit.receiver.events[0]?.id).toBe(kit.receiver.events[1]?.id);
  });

  it('drops those of one type, which the list of events still contains', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', { kind: 'webhook_drop', eventType: 'checkout.session.completed' });
    await paidSession(kit);
    await kit.sandbox.control.flushWebhooks();
    expect(kit.receiver.types()).not.toContain('checkout.session.completed');
    expect(kit.receiver.types()).toContain('charge.succeeded');
    const events = await kit.stripe.events.list({ type: 'checkout.session.completed' });
    expect(events.data).toHaveLength(1);
  });

  it('delays them until they are flushed', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', {
      kind: 'webhook_delay',
      delayMs: 600_000,
      eventType: 'payment_intent.created',
    });
    await paidSession(kit);
    const { receiver } = kit;
    await until(() => receiver.types().includes('charge.updated'));
    expect(receiver.types()).not.toContain('payment_intent.created');
    await kit.sandbox.control.flushWebhooks();
    expect(receiver.types().at(-1)).toBe('payment_intent.created');
  });

  it('sends them in another order, each once', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', {
      seed: 3,
      rules: [{ kind: 'webhook_reorder', probability: 0.7, delayMs: 40 }],
    });
    const made: string[] = [];
    for (let index = 0; index < 20; index++) made.push((await kit.stripe.customers.create({})).id);
    const { control } = kit.sandbox;
    await until(() => control.state().webhooks.pending === 0);
    const received = kit.receiver.events.map((event) => (event.data.object as { id: string }).id);
    expect(received).not.toEqual(made);
    expect([...received].sort()).toEqual([...made].sort());
  });
});
