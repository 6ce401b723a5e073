import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { startSandbox } from '../src/start-sandbox.js';
import { signWebhook } from '../src/webhook-signature.js';
import { clientOf, type Kit, paidSession, postJson, startKit, startReceiver, WEBHOOK_SECRET } from './sandbox-kit.js';
import { until } from './until.js';

let kit: Kit | undefined;
afterEach(async () => {
  await kit?.stop();
  kit = undefined;
});

describe('Webhooks', () => {
  it('are signed as Stripe signs them, with every secret of a rotation', async () => {
    kit = await startKit({ webhookSecret: ['whsec_old', WEBHOOK_SECRET] });
    await kit.stripe.customers.create({});
    await kit.sandbox.control.flushWebhooks();
    expect(kit.receiver.types()).toEqual(['customer.created']);
    expect(kit.receiver.headers[0]).toMatch(/^t=\d+,v1=[0-9a-f]{64},v1=[0-9a-f]{64}$/);
  });

  it('are signed with the HMAC-SHA256 of the time and the body', () => {
    const expected = createHmac('sha256', 'whsec_x').update('1700000000.{}').digest('hex');
    expect(signWebhook('{}', ['whsec_x'], 1_700_000_000)).toBe(`t=1700000000,v1=${expected}`);
  });

  it('are signed with the receiver’s time, even if the sandbox’s clock differs', async () => {
    kit = await startKit();
    await kit.sandbox.control.advanceClock(90 * 24 * 3_600_000);
    await kit.stripe.customers.create({});
    expect(await kit.sandbox.control.flushWebhooks()).toMatchObject({ delivered: 1, pending: 0 });
    expect(kit.receiver.events).toHaveLength(1);
  });

  it('to an invalid URL are retried, and delivered once the URL is valid', async () => {
    kit = await startKit();
    const { url } = kit.receiver;
    kit.sandbox.control.setWebhookUrl('http://::1:4000/webhooks');
    await kit.stripe.customers.create({});
    expect(await kit.sandbox.control.flushWebhooks(200)).toMatchObject({ delivered: 0, pending: 1 });
    kit.sandbox.control.setWebhookUrl(url);
    expect(await kit.sandbox.control.flushWebhooks()).toMatchObject({ delivered: 1, pending: 0 });
  });

  it('name the request that caused them', async () => {
    kit = await startKit();
    const customer = await kit.stripe.customers.create({}, { idempotencyKey: 'made-by-me' });
    await kit.sandbox.control.flushWebhooks();
    expect(kit.receiver.events[0]).toMatchObject({
      object: 'event',
      livemode: false,
      pending_webhooks: 1,
      request: { id: customer.lastResponse.requestId, idempotency_key: 'made-by-me' },
    });
  });

  it('contain the object as it was when the event was created', async () => {
    kit = await startKit();
    const customer = await kit.stripe.customers.create({ name: 'Before' });
    await kit.stripe.customers.update(customer.id, { name: 'After' });
    const events = await kit.stripe.events.list({ type: 'customer.created' });
    expect(events.data[0]?.data.object).toMatchObject({ id: customer.id, name: 'Before' });
  });

  it('are sent again, with the same body, until they are accepted', async () => {
    kit = await startKit();
    kit.receiver.answerWith = 500;
    const customer = await kit.stripe.customers.create({});
    const { receiver } = kit;
    await until(() => receiver.headers.length >= 3);
    const pending = await kit.stripe.events.list();
    expect(pending.data[0]?.pending_webhooks).toBe(1);
    receiver.answerWith = 200;
    await kit.sandbox.control.flushWebhooks();
    expect(receiver.events.map((event) => event.data.object)).toMatchObject([{ id: customer.id }]);
    const taken = await kit.stripe.events.list();
    expect(taken.data[0]?.pending_webhooks).toBe(0);
  });

  it('are abandoned after the last attempt', async () => {
    kit = await startKit({ webhookAttemptsMaximum: 3 });
    kit.receiver.answerWith = 503;
    await kit.stripe.customers.create({});
    const { control } = kit.sandbox;
    await until(() => control.state().webhooks.abandoned === 1);
    expect(kit.receiver.headers).toHaveLength(3);
    expect(control.state().webhooks).toMatchObject({ delivered: 0, pending: 0 });
    const [event] = (await kit.stripe.events.list({ delivery_success: false })).data;
    kit.receiver.answerWith = 200;
    await postJson(kit.sandbox, '/sandbox/webhooks/resend', { event: event?.id });
    await control.flushWebhooks();
    expect(kit.receiver.types()).toEqual(['customer.created']);
  });

  it('arrive in the order of the changes', async () => {
    kit = await startKit();
    for (let index = 0; index < 20; index++) await kit.stripe.customers.create({ name: String(index) });
    await kit.sandbox.control.flushWebhooks();
    expect(kit.receiver.events.map((event) => (event.data.object as { name: string }).name)).toEqual(
      Array.from({ length: 20 }, (_unused, index) => String(index)),
    );
  });

  it('are not created while there is no URL to send them to', async () => {
    kit = await startKit({ webhookUrl: null });
    await kit.stripe.customers.create({});
    kit.sandbox.control.setWebhookUrl(kit.receiver.url);
    await kit.stripe.customers.create({});
    await kit.sandbox.control.flushWebhooks();
    expect(kit.receiver.events).toHaveLength(1);
    expect((await kit.stripe.events.list()).data).toHaveLength(2);
  });

  it('that are waiting survive a restart of the sandbox', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
    const receiver = await startReceiver();
    try {
      const options = {
        port: 0,
        webhookSecret: WEBHOOK_SECRET,
        stateFile: join(folder, 'state.jsonl'),
        webhookUrl: receiver.url,
      };
      receiver.answerWith = 500;
      const first = await startSandbox(options);
      await clientOf(first).customers.create({ name: 'Patient' });
      await first.stop();
      receiver.answerWith = 200;
      const second = await startSandbox(options);
      await second.control.flushWebhooks();
      expect(receiver.types()).toEqual(['customer.created']);
      await second.stop();
    } finally {
      await receiver.stop();
      rmSync(folder, { recursive: true });
    }
  });

  it('can be flushed over HTTP, which reports when the receiver accepts none', async () => {
    kit = await startKit();
    kit.receiver.answerWith = 500;
    await paidSession(kit);
    const stuck = await postJson(kit.sandbox, '/sandbox/webhooks/flush', { timeoutMs: 50 });
    expect(stuck.body).toMatchObject({ delivered: 0 });
    expect(stuck.body.pending).toBeGreaterThan(0);
    kit.receiver.answerWith = 200;
    const flushed = await postJson(kit.sandbox, '/sandbox/webhooks/flush');
    expect(flushed.body).toMatchObject({ pending: 0, abandoned: 0 });
    expect(new Set(kit.receiver.types()).has('checkout.session.completed')).toBe(true);
  });
});
