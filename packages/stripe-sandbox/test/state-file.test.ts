import { appendFileSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { type Sandbox, startSandbox } from '../src/start-sandbox.js';
import { StateLog } from '../src/state-log.js';
import { clientOf, openSession, postJson, WEBHOOK_SECRET } from './sandbox-kit.js';

let folder: string;
let running: Sandbox[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sandbox-'));
  running = [];
});
afterEach(async () => {
  for (const sandbox of running) await sandbox.stop();
  rmSync(folder, { recursive: true });
});

async function start(stateFile = join(folder, 'state.jsonl')): Promise<Sandbox> {
  const sandbox = await startSandbox({ port: 0, webhookUrl: null, webhookSecret: WEBHOOK_SECRET, stateFile });
  running.push(sandbox);
  return sandbox;
}

describe('The state', () => {
  it('survives a restart: objects, events, idempotency keys and the clock', async () => {
    const first = await start();
    const stripe = clientOf(first);
    const customer = await stripe.customers.create({ name: 'Ann' }, { idempotencyKey: 'ann' });
    const session = await openSession(stripe, 900, { customer: customer.id });
    await postJson(first, `/sandbox/checkout/${session.id}/pay`, { card: '4242424242424242' });
    const unpaid = await openSession(stripe);
    await first.control.advanceClock(3_600_000);
    const before = first.control.state();
    await first.stop();

    const second = await start();
    const again = clientOf(second);
    expect((await again.customers.create({ name: 'Ann' }, { idempotencyKey: 'ann' })).id).toBe(customer.id);
    const paid = await again.checkout.sessions.retrieve(session.id, { expand: ['payment_intent', 'line_items'] });
    expect(paid).toMatchObject({ payment_status: 'paid', payment_intent: { status: 'succeeded' } });
    expect(paid.line_items?.data).toHaveLength(1);
    expect(second.control.state()).toMatchObject({ counts: before.counts, totals: before.totals, openSessions: 1 });
    expect(second.control.now().getTime() - Date.now()).toBeGreaterThan(3_590_000);
    await postJson(second, `/sandbox/checkout/${unpaid.id}/pay`, { card: '4242424242424242' });
    expect((await again.checkout.sessions.list({ status: 'complete' })).data.map((found) => found.id)).toEqual([
      unpaid.id,
      session.id,
    ]);
  });

  it('is on disk before the response is sent, so that killing the process loses nothing', async () => {
    const first = await start();
    const session = await openSession(clientOf(first));
    const paid = await postJson(first, `/sandbox/checkout/${session.id}/pay`, { card: '4242424242424242' });
    const asKilled = join(folder, 'killed.jsonl');
    copyFileSync(join(folder, 'state.jsonl'), asKilled);
    const second = await start(asKilled);
    expect(await clientOf(second).checkout.sessions.retrieve(session.id)).toMatchObject({
      payment_status: 'paid',
      payment_intent: paid.body.payment_intent,
    });
    expect(second.control.state().totals).toEqual(first.control.state().totals);
  });

  it('drops an incomplete last line', async () => {
    const first = await start();
    const customer = await clientOf(first).customers.create({ name: 'Ann' });
    await first.stop();
    appendFileSync(join(folder, 'state.jsonl'), '[["customers","cus_half",{"id":"cus_ha');
    const second = await start();
    expect((await clientOf(second).customers.list()).data.map((found) => found.id)).toEqual([customer.id]);
    await clientOf(second).customers.create({ name: 'Bob' });
    await second.stop();
    expect((await clientOf(await start()).customers.list()).data).toHaveLength(2);
  });

  it('reports a damaged file at startup', async () => {
    writeFileSync(join(folder, 'state.jsonl'), 'not a state\n');
    await expect(start()).rejects.toThrow(/state file .* is damaged/);
  });

  it('never contains a card number, the API key or the webhook secret', async () => {
    const first = await start();
    const session = await openSession(clientOf(first));
    await postJson(first, `/sandbox/checkout/${session.id}/pay`, { card: '4000000000009995' });
    await postJson(first, `/sandbox/checkout/${session.id}/pay`, { card: '4242424242424242' });
    await first.stop();
    const kept = readFileSync(join(folder, 'state.jsonl'), 'utf8');
    expect(kept).toContain('"last4":"4242"');
    for (const secret of ['4242424242424242', '4000000000009995', first.secretKey, WEBHOOK_SECRET])
      expect(kept).not.toContain(secret);
  });

  it('is empty after a reset, also on disk', async () => {
    const first = await start();
    await clientOf(first).customers.create({});
    await postJson(first, '/sandbox/reset');
    expect(first.control.state().counts).toMatchObject({ customers: 0, events: 0 });
    await clientOf(first).products.create({ name: 'After' });
    await first.stop();
    expect((await start()).control.state().counts).toMatchObject({ customers: 0, products: 1 });
  });

  it('is rewritten without replaced rows', () => {
    const path = join(folder, 'log.jsonl');
    const log = StateLog.open(path, () => undefined);
    for (let version = 0; version < 100; version++) log.append([['rows', 'a', { id: 'a', version }]]);
    log.compact([['rows', 'a', { id: 'a', version: 99 }]]);
    log.append([['rows', 'b', { id: 'b' }]]);
    log.close();
    const replayed: unknown[] = [];
    StateLog.open(path, (change) => replayed.push(change)).close();
    expect(replayed).toEqual([
      ['rows', 'a', { id: 'a', version: 99 }],
      ['rows', 'b', { id: 'b' }],
    ]);
  });
});

describe('Starting', () => {
  it('fails if the port is in use', async () => {
    const { port } = await start();
    await expect(startSandbox({ port, webhookUrl: null, webhookSecret: WEBHOOK_SECRET, stateFile: null })).rejects.toThrow(
      /EADDRINUSE/,
    );
  });

  it('fails without a webhook secret', async () => {
    await expect(startSandbox({ port: 0, webhookUrl: null, webhookSecret: '', stateFile: null })).rejects.toThrow(
      /webhook secret/,
    );
  });
});
