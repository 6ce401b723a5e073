import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { failureOf, type Kit, openSession, paidSession, postJson, startKit } from './sandbox-kit.js';

let kit: Kit;
beforeAll(async () => {
  kit = await startKit();
});
beforeEach(async () => {
  kit.sandbox.control.clearFaults();
  await kit.sandbox.control.flushWebhooks();
  kit.receiver.events.length = 0;
});
afterAll(() => kit.stop());

async function typesSoFar(): Promise<string[]> {
  await kit.sandbox.control.flushWebhooks();
  const types = kit.receiver.types();
  kit.receiver.events.length = 0;
  return types;
}

async function paid(amount = 900): Promise<string> {
  const { paymentIntent } = await paidSession(kit, amount);
  await typesSoFar();
  return paymentIntent;
}

describe('A refund', () => {
  it('returns part of a charge, then the rest, and the charge counts both', async () => {
    const intent = await paid(900);
    const part = await kit.stripe.refunds.create({ payment_intent: intent, amount: 300, metadata: { refund: 'r1' } });
    expect(part).toMatchObject({
      object: 'refund',
      amount: 300,
      status: 'succeeded',
      metadata: { refund: 'r1' },
      payment_intent: intent,
    });
    expect(await typesSoFar()).toEqual(['refund.created', 'charge.refunded']);
    const rest = await kit.stripe.refunds.create({ charge: String(part.charge), reason: 'duplicate' });
    expect(rest).toMatchObject({ amount: 600, reason: 'duplicate' });
    const charge = await kit.stripe.charges.retrieve(String(part.charge), { expand: ['refunds'] });
    expect(charge).toMatchObject({ amount_refunded: 900, refunded: true });
    expect(charge.refunds?.data.map((refund) => refund.amount)).toEqual([600, 300]);
    const listed = await kit.stripe.refunds.list({ payment_intent: intent });
    expect(listed.data.map((refund) => refund.id)).toEqual([rest.id, part.id]);
  });

  it('is rejected once the charge has been refunded in full', async () => {
    const intent = await paid();
    await kit.stripe.refunds.create({ payment_intent: intent });
    expect(await failureOf(kit.stripe.refunds.create({ payment_intent: intent }))).toMatchObject({
      statusCode: 400,
      code: 'charge_already_refunded',
    });
  });

  it('is rejected beyond the rest of the charge, with Stripe’s message', async () => {
    const intent = await paid(900);
    await kit.stripe.refunds.create({ payment_intent: intent, amount: 400 });
    const failure = await failureOf(kit.stripe.refunds.create({ payment_intent: intent, amount: 501 }));
    expect(failure.message).toBe('Refund amount ($5.01) is greater than unrefunded amount on charge ($5.00)');
    expect(failure.param).toBe('amount');
  });

  it('is rejected while nothing has been paid', async () => {
    const session = await openSession(kit.stripe);
    await postJson(kit.sandbox, `/sandbox/checkout/${session.id}/pay`, { method: 'delayed_success' });
    const { payment_intent: intent } = await kit.stripe.checkout.sessions.retrieve(session.id);
    const failure = await failureOf(kit.stripe.refunds.create({ payment_intent: String(intent) }));
    expect(failure.message).toContain('does not have a successful charge to refund');
    expect(await failureOf(kit.stripe.refunds.create({}))).toMatchObject({ code: 'parameter_missing' });
    kit.sandbox.control.settle(session.id, 'failed');
  });

  it('may stay pending until it is settled manually', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', { kind: 'refund_pending', count: 2 });
    const intent = await paid();
    const first = await kit.stripe.refunds.create({ payment_intent: intent, amount: 100 });
    const second = await kit.stripe.refunds.create({ payment_intent: intent, amount: 200 });
    expect([first.status, second.status]).toEqual(['pending', 'pending']);
    await typesSoFar();
    expect((await postJson(kit.sandbox, `/sandbox/refunds/${first.id}/succeed`)).body).toMatchObject({ status: 'succeeded' });
    expect(await typesSoFar()).toEqual(['refund.updated', 'charge.refund.updated']);
    const failed = await postJson(kit.sandbox, `/sandbox/refunds/${second.id}/fail`, {
      failure_reason: 'expired_or_canceled_card',
    });
    expect(failed.body).toMatchObject({ status: 'failed', failure_reason: 'expired_or_canceled_card' });
    expect(await typesSoFar()).toEqual(['refund.updated', 'refund.failed', 'charge.refund.updated', 'charge.updated']);
    expect(await kit.stripe.charges.retrieve(String(first.charge))).toMatchObject({ amount_refunded: 100, refunded: false });
    expect((await postJson(kit.sandbox, `/sandbox/refunds/${first.id}/succeed`)).status).toBe(400);
  });

  it('may fail after it has succeeded, and the money returns to the account', async () => {
    await postJson(kit.sandbox, '/sandbox/faults', { kind: 'refund_fails_later', count: 1, afterSeconds: 3_600 });
    const refund = await kit.stripe.refunds.create({ payment_intent: await paid(700) });
    expect(refund.status).toBe('succeeded');
    await typesSoFar();
    await postJson(kit.sandbox, '/sandbox/clock', { advanceMs: 3601_000 });
    expect(await typesSoFar()).toEqual(['refund.updated', 'refund.failed', 'charge.refund.updated', 'charge.updated']);
    const after = await kit.stripe.refunds.retrieve(refund.id, { expand: ['failure_balance_transaction'] });
    expect(after).toMatchObject({ status: 'failed', failure_balance_transaction: { amount: 700, type: 'refund_failure' } });
  });

  it('made in the dashboard has no metadata and no idempotency key', async () => {
    const intent = await paid();
    const { body } = await postJson(kit.sandbox, '/sandbox/dashboard/refunds', { payment_intent: intent, amount: 250 });
    expect(body).toMatchObject({ object: 'refund', amount: 250, metadata: {} });
    await kit.sandbox.control.flushWebhooks();
    expect(kit.receiver.events[0]).toMatchObject({ type: 'refund.created', request: { idempotency_key: null } });
  });

  it('cannot be canceled, because it requires no action', async () => {
    const refund = await kit.stripe.refunds.create({ payment_intent: await paid() });
    expect((await failureOf(kit.stripe.refunds.cancel(refund.id))).message).toContain('requires_action');
  });
});

describe('A dispute', () => {
  it('withdraws the money with a fee, blocks refunds, and returns the money if it is won', async () => {
    const intent = await paid(900);
    const { body } = await postJson(kit.sandbox, '/sandbox/disputes', { payment_intent: intent, reason: 'fraudulent' });
    expect(body).toMatchObject({ object: 'dispute', status: 'needs_response', amount: 900, reason: 'fraudulent' });
    expect(await typesSoFar()).toEqual(['charge.dispute.created', 'charge.updated', 'charge.dispute.funds_withdrawn']);
    const opened = await kit.stripe.disputes.retrieve(String(body.id), { expand: ['charge'] });
    expect(opened.balance_transactions).toMatchObject([{ amount: -900, fee: 1500, net: -2400, reporting_category: 'dispute' }]);
    expect(opened.charge).toMatchObject({ disputed: true });
    expect(await failureOf(kit.stripe.refunds.create({ payment_intent: intent }))).toMatchObject({ code: 'charge_disputed' });
    const closed = await postJson(kit.sandbox, `/sandbox/disputes/${opened.id}/close`, { outcome: 'won' });
    expect(closed.body).toMatchObject({ status: 'won' });
    expect(await typesSoFar()).toEqual(['charge.dispute.updated', 'charge.dispute.funds_reinstated', 'charge.dispute.closed']);
    expect((await postJson(kit.sandbox, `/sandbox/disputes/${opened.id}/close`, { outcome: 'lost' })).status).toBe(400);
  });

  it('keeps the money if it is lost, also by being closed through the API', async () => {
    const intent = await paid();
    const { body } = await postJson(kit.sandbox, '/sandbox/disputes', { payment_intent: intent });
    await typesSoFar();
    expect(await kit.stripe.disputes.close(String(body.id))).toMatchObject({ status: 'lost' });
    expect(await typesSoFar()).toEqual(['charge.dispute.updated', 'charge.dispute.closed']);
    expect((await kit.stripe.disputes.list({ payment_intent: intent })).data).toHaveLength(1);
  });

  it('may be an inquiry, which moves no money and allows refunds', async () => {
    const intent = await paid();
    const { body } = await postJson(kit.sandbox, '/sandbox/disputes', { payment_intent: intent, kind: 'inquiry' });
    expect(body).toMatchObject({ status: 'warning_needs_response', balance_transactions: [], is_charge_refundable: true });
    expect(await typesSoFar()).toEqual(['charge.dispute.created']);
    await kit.stripe.refunds.create({ payment_intent: intent });
    const closed = await postJson(kit.sandbox, `/sandbox/disputes/${body.id}/close`, { outcome: 'won' });
    expect(closed.body).toMatchObject({ status: 'warning_closed' });
  });

  it('may escalate from an inquiry to a chargeback, which withdraws the money', async () => {
    const intent = await paid();
    const inquiry = { payment_intent: intent, kind: 'inquiry', amount: 400 };
    const { body } = await postJson(kit.sandbox, '/sandbox/disputes', inquiry);
    const grown = await postJson(kit.sandbox, `/sandbox/disputes/${body.id}/escalate`, { amount: 900 });
    expect(grown.body).toMatchObject({ status: 'needs_response', amount: 900, is_charge_refundable: false });
    expect(grown.body.balance_transactions).toMatchObject([{ amount: -900 }]);
    const types = await typesSoFar();
    expect(types.filter((type) => type.startsWith('charge.dispute.')).sort()).toEqual([
      'charge.dispute.created',
      'charge.dispute.funds_withdrawn',
      'charge.dispute.updated',
    ]);
    expect((await postJson(kit.sandbox, `/sandbox/disputes/${body.id}/escalate`, {})).status).toBe(400);
  });

  it('accepts evidence and is then under review', async () => {
    const { body } = await postJson(kit.sandbox, '/sandbox/disputes', { payment_intent: await paid() });
    await typesSoFar();
    const answered = await kit.stripe.disputes.update(String(body.id), {
      evidence: { customer_name: 'Ann' },
      metadata: { grant: 'g1' },
    });
    expect(answered).toMatchObject({
      status: 'under_review',
      evidence: { customer_name: 'Ann' },
      evidence_details: { has_evidence: true, submission_count: 1 },
      metadata: { grant: 'g1' },
    });
    expect(await typesSoFar()).toEqual(['charge.dispute.updated']);
  });
});

describe('The totals', () => {
  it('add up to what was captured, refunded and disputed', async () => {
    kit.sandbox.control.reset();
    const refunded = await paid(1_000);
    await kit.stripe.refunds.create({ payment_intent: refunded, amount: 333 });
    await postJson(kit.sandbox, '/sandbox/disputes', { payment_intent: await paid(777) });
    const response = await fetch(`${kit.sandbox.url}/sandbox/state`);
    expect(await response.json()).toMatchObject({
      counts: { charges: 2, refunds: 1, disputes: 1 },
      totals: { usd: { captured: 1_777, refunded: 333, disputed: 777, balance: 1_777 - 333 - 777 } },
      webhooks: { refused: 0 },
    });
    const movements = await kit.stripe.balanceTransactions.list({ limit: 100 });
    expect(movements.data.reduce((sum, movement) => sum + movement.amount, 0)).toBe(667);
    const charges = await kit.stripe.balanceTransactions.list({ type: 'charge' });
    expect(charges.data.map((movement) => movement.amount)).toEqual([777, 1_000]);
  });
});
