import { beforeEach, describe, expect, test } from '@jest/globals';
import { check } from './check.js';
import type { FindingClass } from './findings.js';
import { readHistory } from './history.js';
import { printFinding } from './print.js';
import { ADMIN, SmallHistory } from './small-history.js';

let small: SmallHistory;
beforeEach(() => {
  small = new SmallHistory();
});

const classes = (): FindingClass[] => check(small.history).map((finding) => finding.class);
const messages = (): string[] => check(small.history).map(({ message }) => message);

describe('A correct history has no finding', () => {
  test('Adjustments, a purchase, its refund, and reads in between are explained by the model', () => {
    small.adjust(5_000);
    small.adjust(-500);
    small.access(false, null, 'NO_GRANT');
    const grantId = small.buy();
    small.access(true, grantId);
    small.readAccount();
    small.refundToBalance(grantId, 966);
    small.access(false, grantId, 'REFUNDED');
    small.readAccount();
    small.followBalance([1, 2, 3, 4]);
    small.followGrants([grantId, grantId]);
    expect(messages()).toEqual([]);
  });

  test('A card payment, its refund to the card and a lost dispute of another payment agree with Stripe', () => {
    const first = small.buyByCard();
    small.refundToCard(first.grantId, first.orderId, first.paymentId, 966);
    const second = small.buyByCard();
    small.loseDispute(second.grantId, second.orderId, second.paymentId);
    small.access(false, second.grantId, 'REVOKED');
    expect(messages()).toEqual([]);
  });

  test('A call without an answer may have happened or not', () => {
    small.call('adjustBalance', { amount: 100, idempotencyKey: 'admin lost' }, null);
    small.call('adjustBalance', { amount: 300, idempotencyKey: 'admin cut' }, { outcome: 'UNKNOWN' }, () => {
      small.record(ADMIN, 'admin cut', { transactionId: small.adjustSilently(300) });
    });
    small.readAccount();
    expect(messages()).toEqual([]);
  });

  test('A read during a change may return the state before it or after it', () => {
    small.adjust(100);
    const before = small.balance;
    small.call('adjustBalance', { amount: 50, idempotencyKey: 'admin slow' }, { outcome: 'UNKNOWN' }, () => {
      small.record(ADMIN, 'admin slow', { transactionId: small.adjustSilently(50) });
      small.readAccount();
      small.readAccount(before);
    });
    // The second read goes back behind what the first one showed.
    expect(classes()).toEqual(['STALE_READ']);
    small.lines.splice(
      small.lines.findIndex((line) => line.type === 'call' && line.action === 'account'),
      2,
    );
    expect(classes()).toEqual([]);
  });

  test('A key that is used again gets the balance of its first answer', () => {
    const { key, transactionId } = small.adjust(100);
    const { balance } = small;
    small.adjust(50);
    const transaction = { id: transactionId, amount: 100, balanceAfter: 100, version: 1 };
    small.ok('adjustBalance', { amount: 100, idempotencyKey: key }, { transaction, balance });
    expect(messages()).toEqual([]);
  });

  test('A refusal is explained by a state between request and answer', () => {
    small.adjust(600);
    const input = { subscriptionId: 'plan', payWith: 'BALANCE' as const, idempotencyKey: 'too expensive' };
    small.refused('purchase', input, { code: 'INSUFFICIENT_FUNDS', shortfall: 400 });
    expect(messages()).toEqual([]);
    small.refused('purchase', { ...input, idempotencyKey: 'wrong' }, { code: 'INSUFFICIENT_FUNDS', shortfall: 900 });
    expect(classes()).toEqual(['ANSWER_NOT_EXPLAINED']);
  });

  test('A live operation that was cut during its first state receives the state again, as it is by then', () => {
    small.adjust(5_000);
    const [one, two, three] = [small.buy(), small.buy(), small.buy()];
    const startedMs = small.now();
    small.refundToBalance(one, 966);
    small.followGrants([one, two, two, three]);
    for (const line of small.lines) if (line.type === 'stream') line.atMs = startedMs;
    const items = small.lines.filter((line) => line.type === 'live');
    for (const [index, item] of items.entries()) item.attempt = index < 2 ? 1 : 2;
    expect(messages()).toEqual([]);
    for (const item of items) item.attempt = 1;
    expect(classes()).toEqual(['STREAM_DUPLICATE']);
  });
});

describe('A planted fault is found', () => {
  test('A lost update: two changes that both started from the same balance', () => {
    small.adjust(1_000);
    small.adjust(500);
    const [, second] = small.final.journal;
    if (second) second.posted = 500;
    small.posted = 500;
    for (const row of small.final.transactions) if (row.version === 2) row.balanceAfter = 500;
    expect(classes()).toContain('DIFFERS_FROM_MODEL');
  });

  test('A doubled purchase: one key, two grants', () => {
    small.adjust(5_000);
    small.buy('one key');
    small.buySilently();
    expect(check(small.history)).toMatchObject([{ class: 'UNEXPLAINED_CHANGE', sequence: 4 }]);
  });

  test('A key that was answered with two grants', () => {
    small.adjust(5_000);
    small.buy('one key');
    const id = small.buy('one key');
    expect(classes()).toContain('KEY_USED_TWICE');
    expect(messages().join()).toContain(id);
  });

  test('A stale read of the balance: a version that had been replaced before the request', () => {
    small.adjust(1_000);
    const { balance } = small;
    small.adjust(500);
    const call = small.readAccount(balance);
    expect(check(small.history)).toMatchObject([{ class: 'STALE_READ', operations: [call] }]);
  });

  test('A read from the future: a version whose change began after the answer', () => {
    small.adjust(1_000);
    small.readAccount({ version: 2, posted: 1_500, held: 0, available: 1_500 });
    small.adjust(500);
    expect(classes()).toContain('STALE_READ');
  });

  test('A read that leaves out a grant that was known', () => {
    small.adjust(5_000);
    small.buy();
    small.ok('account', {}, { balance: small.balance, grants: [] });
    expect(classes()).toEqual(['STALE_READ']);
  });

  test('A version out of order: an operation that began later comes first in the journal', () => {
    small.adjust(1_000);
    small.adjust(1_000);
    // The calls change places in time, not in the journal.
    const calls = small.lines.filter((line) => line.type === 'call' || line.type === 'answer');
    for (const [index, line] of calls.entries()) line.atMs = [3, 4, 1, 2][index] ?? 0;
    expect(classes()).toEqual(['VERSION_OUT_OF_ORDER']);
  });

  test('A stream gap: a version that was never sent', () => {
    for (const amount of [1, 2, 3]) small.adjust(amount);
    small.followBalance([1, 3]);
    expect(classes()).toEqual(['STREAM_GAP']);
  });

  test('A stream that ends before the last change', () => {
    for (const amount of [1, 2, 3]) small.adjust(amount);
    small.followBalance([1, 2]);
    expect(classes()).toEqual(['STREAM_GAP']);
  });

  test('A stream duplicate: a version that was sent twice', () => {
    for (const amount of [1, 2]) small.adjust(amount);
    small.followBalance([1, 1, 2]);
    expect(classes()).toEqual(['STREAM_DUPLICATE']);
  });

  test('A stream of grants that leaves one out', () => {
    small.adjust(5_000);
    const [, two] = [small.buy(), small.buy()];
    small.followGrants([two]);
    expect(classes()).toEqual(['STREAM_GAP']);
  });

  test('A refund too high: rounded up instead of down', () => {
    const { grantId, orderId, paymentId } = small.buyByCard();
    small.refundToCard(grantId, orderId, paymentId, 967);
    expect(classes()).toEqual(['DIFFERS_FROM_MODEL']);
  });

  test('A payment of which Stripe has refunded more than it captured', () => {
    const { paymentId } = small.buyByCard();
    small.final.stripe.refunds.push({ id: 're', paymentId, amount: 1_001, status: 'succeeded', refundId: null });
    expect(classes()).toContain('REFUND_TOO_HIGH');
  });

  test('Access after a refund that was acknowledged before', () => {
    small.adjust(5_000);
    const grantId = small.buy();
    small.refundToBalance(grantId, 966);
    const call = small.access(true, grantId);
    expect(check(small.history)).toMatchObject([{ class: 'STALE_READ', operations: [call] }]);
  });

  test('No access after a purchase that was acknowledged before', () => {
    small.adjust(5_000);
    small.buy();
    small.access(false, null, 'NO_GRANT');
    expect(classes()).toEqual(['STALE_READ']);
  });

  test('A ledger that differs from Stripe by one cent', () => {
    const { paymentId } = small.buyByCard();
    for (const payment of small.final.stripe.payments) if (payment.id === paymentId) payment.captured = 1_001;
    expect(classes()).toEqual(['DIFFERS_FROM_STRIPE']);
  });

  test('A session that was paid, of an order that is still open', () => {
    const { orderId } = small.buyByCard();
    for (const order of small.final.orders) if (order.id === orderId) order.status = 'OPEN';
    expect(classes()).toContain('DIFFERS_FROM_STRIPE');
  });

  test('A dispute that was booked twice', () => {
    const { grantId, orderId, paymentId } = small.buyByCard();
    small.loseDispute(grantId, orderId, paymentId);
    const [dispute] = small.final.disputes;
    const about = { kind: 'DISPUTE', counterAccount: 'STRIPE', orderId, grantId, disputeId: dispute?.id ?? '' } as const;
    small.post(-1_000, 0, about);
    expect(classes()).toContain('DIFFERS_FROM_STRIPE');
  });

  test('An acknowledged change that a crash has lost', () => {
    small.adjust(1_000);
    const { call } = small.adjust(500);
    small.final.journal.pop();
    small.final.transactions.pop();
    small.final.keys.pop();
    [small.posted, small.version] = [1_000, 1];
    expect(check(small.history)).toContainEqual(
      expect.objectContaining({ class: 'ACKNOWLEDGED_CHANGE_LOST', operations: [call] }),
    );
  });

  test('A gap in the numbers of a journal', () => {
    small.adjust(1_000);
    small.adjust(500);
    for (const row of small.final.journal) if (row.sequence === 2) row.sequence = 3;
    expect(classes()).toContain('JOURNAL_BROKEN');
  });

  test('An entry that was changed after it was written', () => {
    small.adjust(1_000);
    small.adjust(500);
    for (const row of small.final.journal) if (row.sequence === 1) row.digest = '01';
    expect(check(small.history)).toMatchObject([{ class: 'JOURNAL_BROKEN', sequence: 1 }]);
  });

  test('A grant that is not as its last entry says', () => {
    small.adjust(5_000);
    small.setStatus(small.buy(), 'EXPIRED');
    expect(classes()).toEqual(['FINAL_STATE_DIFFERS', 'FINAL_STATE_DIFFERS']);
  });

  test('A balance that is not what its journal leads to', () => {
    small.adjust(1_000);
    small.posted = 999;
    expect(classes()).toEqual(['FINAL_STATE_DIFFERS']);
  });

  test('An answer with another balance than the one in the journal', () => {
    small.adjust(1_000);
    for (const line of small.lines) if (line.type === 'answer' && line.data?.balance) line.data.balance.available = 900;
    expect(classes()).toEqual(['ANSWER_NOT_EXPLAINED']);
  });

  test('A grant that was refunded twice', () => {
    small.adjust(5_000);
    const grantId = small.buy();
    small.refundToBalance(grantId, 966);
    small.refundToBalance(grantId, 33);
    expect(classes()).toEqual(['DIFFERS_FROM_MODEL']);
  });

  test('A purchase that the balance did not cover', () => {
    small.adjust(500);
    small.buy();
    expect(classes()).toEqual(['DIFFERS_FROM_MODEL']);
  });

  test('An answer that says that the server has a defect', () => {
    small.call('account', {}, { outcome: 'DEFECT', note: 'INTERNAL_SERVER_ERROR' });
    expect(classes()).toEqual(['DEFECT']);
  });

  test('Something that never came to an end', () => {
    small.final.unsettled.push('1 holds');
    expect(classes()).toEqual(['NOT_SETTLED']);
  });
});

describe('A recording', () => {
  const line = (value: object) => JSON.stringify(value);

  test('is read from its lines', () => {
    const start = line({ type: 'start', seed: 3, seconds: 5 });
    const history = readHistory(`${start}\n${line({ type: 'final', state: small.final })}\n`);
    expect(history.start).toMatchObject({ seed: 3, seconds: 5 });
    expect(check(history)).toEqual([]);
  });

  test('without its end, or with an unknown line, is refused', () => {
    expect(() => readHistory(line({ type: 'start', seed: 3, seconds: 5 }))).toThrow('no final state');
    expect(() => readHistory(line({ type: 'other' }))).toThrow('unknown type');
  });
});

test('A printed finding shows the operations of its viewer and marks its own', () => {
  small.adjust(1_000);
  const { balance } = small;
  small.adjust(500);
  small.readAccount(balance);
  const [finding] = check(small.history);
  const lines = finding ? printFinding(finding, small.history).split('\n') : [];
  expect(lines[0]).toMatch(/^STALE_READ \(viewer viewer\), entry 1: /);
  expect(lines.filter((text) => / s > #/.test(text))).toEqual([expect.stringContaining('account')]);
  expect(lines.filter((text) => text.includes('adjustBalance'))).toHaveLength(2);
});
