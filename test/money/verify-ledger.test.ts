import { spawnSync } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Caller } from '../../src/services/caller.js';
import { CardShop } from '../support/card-shop.js';
import { aKey } from '../support/shop.js';

describe('verifying the ledger', () => {
  let shop: CardShop;
  let viewer: Caller & { userId: string };
  beforeEach(async () => {
    shop = await CardShop.open();
    viewer = await shop.viewer(5_000);
    const offer = await shop.desk.putOnSale(100, 10);
    await shop.buy(viewer, offer);
    const order = await shop.buyByCard(viewer, offer);
    await shop.desk.refunds.refundGrant(viewer, { grantId: (await shop.grantOf(order)).id, idempotencyKey: aKey() });
    const topUp = await shop.topUp(viewer, 2_000);
    shop.sandbox.control.addFault({ kind: 'refund_pending', count: 1 });
    const [row] = await shop.db.rows<{ id: string }>("select id from transactions where order_id = $1 and kind = 'TOP_UP'", [
      topUp.id,
    ]);
    await shop.desk.refunds.refundTransaction(viewer, { transactionId: row?.id as string, amount: 500, idempotencyKey: aKey() });
    const disputed = await shop.buyByCard(viewer, offer);
    const { id } = shop.sandbox.control.openDispute({
      paymentIntent: disputed.stripePaymentIntentId as string,
      reason: 'fraudulent',
    });
    await shop.desk.disputes.applyDispute(await shop.stripe.disputes.retrieve(id), null);
  });
  afterEach(() => shop.close());

  /** As somebody with the database's password could: past every trigger and foreign key. */
  async function damage(statement: string): Promise<void> {
    await shop.db.rows(`do $$ begin set local session_replication_role = replica; ${statement}; end $$`);
  }
  /** The rules of the ledger itself; those of the journal and the audit notice any change of a row. */
  const ofLedger = (found: readonly { rule: string }[]) =>
    [...new Set(found.map(({ rule }) => rule))].filter((rule) => !/^JOURNAL_|^MANUAL_CHANGE/.test(rule)).sort();
  const broken = async () => ofLedger(await shop.discrepancies());

  test('finds nothing where nothing is wrong', async () => {
    expect(await shop.discrepancies()).toEqual([]);
  });

  test.each([
    [
      'a balance that was raised manually',
      'update balances set posted = posted + 1',
      ['ACCOUNTS_SUM_TO_ZERO', 'BALANCE_IS_SUM_OF_TRANSACTIONS'],
    ],
    [
      'a transaction that was changed',
      "update transactions set amount = amount + 1 where kind = 'SPENDING' and order_id is null",
      ['ACCOUNTS_SUM_TO_ZERO', 'BALANCE_IS_SUM_OF_TRANSACTIONS', 'GRANT_HAS_ITS_SPENDING', 'TRANSACTIONS_FORM_A_CHAIN'],
    ],
    [
      'a transaction that was removed',
      "delete from transactions where kind = 'ADJUSTMENT'",
      [
        'ACCOUNTS_SUM_TO_ZERO',
        'BALANCE_IS_SUM_OF_TRANSACTIONS',
        'IDEMPOTENCY_RECORD_NAMES_ITS_RESULT',
        'TRANSACTIONS_FORM_A_CHAIN',
      ],
    ],
    ['held money without a hold', 'update balances set held = held + 7', ['HELD_IS_SUM_OF_PENDING_HOLDS']],
    [
      'a hold that vanished',
      "delete from holds where status = 'PENDING'",
      ['HELD_IS_SUM_OF_PENDING_HOLDS', 'REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a grant that nobody paid',
      'update grants set spending_id = gen_random_uuid() where order_id is null',
      ['GRANT_HAS_ITS_SPENDING', 'REFERENCES_STAY_WITH_THE_VIEWER', 'SPENDING_HAS_ITS_GRANT'],
    ],
    [
      'a grant that vanished',
      'delete from grants where order_id is null',
      ['IDEMPOTENCY_RECORD_NAMES_ITS_RESULT', 'REFERENCES_STAY_WITH_THE_VIEWER', 'SPENDING_HAS_ITS_GRANT'],
    ],
    [
      'a payment that was booked too high',
      "update orders set captured_amount = captured_amount + 1 where kind = 'TOP_UP'",
      ['PAID_ORDER_HAS_ITS_TOP_UP'],
    ],
    [
      'a top-up whose order is not paid',
      "update orders set status = 'EXPIRED', captured_amount = null, paid_at = null where kind = 'TOP_UP'",
      ['REFUNDS_ARE_WITHIN_CAPTURE', 'TOP_UP_HAS_ITS_PAID_ORDER'],
    ],
    [
      'a refund that says it succeeded and did not',
      "update refunds set status = 'SUCCEEDED' where status = 'PENDING'",
      ['REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'more refunded than was captured',
      "update refunds set amount = 5000 where status = 'PENDING'",
      ['REFUNDS_ARE_WITHIN_CAPTURE', 'REFUND_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'a refunded grant without a refund',
      "update grants set status = 'REFUNDED' where order_id is null",
      ['REFUNDED_GRANT_HAS_ITS_REFUND'],
    ],
    [
      'a dispute whose money came back unbooked',
      "update disputes set funds = 'REINSTATED', outcome = 'WON'",
      ['DISPUTE_MATCHES_ITS_TRANSACTIONS'],
    ],
    [
      'an overdraft that nothing explains',
      "insert into balances (user_id, currency, posted, created_at, updated_at) values (gen_random_uuid(), 'USD', -1, now(), now())",
      ['ACCOUNTS_SUM_TO_ZERO', 'AVAILABLE_IS_NOT_NEGATIVE', 'BALANCE_IS_SUM_OF_TRANSACTIONS'],
    ],
    [
      'a movement in another currency',
      "update transactions set currency = 'EUR' where kind = 'ADJUSTMENT'",
      ['ACCOUNTS_SUM_TO_ZERO', 'ONE_BALANCE_ONE_CURRENCY'],
    ],
  ])('finds %s', async (_words, statement, rules) => {
    await damage(statement);
    expect(await broken()).toEqual(rules);
  });

  test('the command prints the discrepancies and exits with 1, or with 0 when everything adds up', async () => {
    const verify = (...words: string[]) => {
      const { NODE_OPTIONS: _, ...rest } = process.env;
      const env = { ...rest, DATABASE_URL: shop.db.url, DATA_DIR: path.join(os.tmpdir(), 'boxoffice-verify') };
      return spawnSync(process.execPath, ['dist/src/cli/verify-ledger.js', ...words], { env, encoding: 'utf8' });
    };
    const other = await shop.viewer(100);
    // The admin is the third.
    expect(verify('--jobs', '3')).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/^3 viewers .* 0 discrepancies\.$/m),
    });
    await damage(`update transactions set amount = amount + 1 where kind = 'ADJUSTMENT' and user_id = '${viewer.userId}'`);
    expect(verify()).toMatchObject({ status: 1, stdout: expect.stringContaining('TRANSACTIONS_FORM_A_CHAIN') });
    expect(verify('--user', other.userId)).toMatchObject({ status: 0, stdout: expect.stringMatching(/^1 viewers .* 0 disc/) });
    expect(verify('--user', viewer.userId)).toMatchObject({ status: 1 });
  });
});
