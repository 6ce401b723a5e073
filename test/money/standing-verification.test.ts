import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { StandingVerification } from '../../src/services/verification/standing-verification.js';
import { VerificationStore } from '../../src/services/verification/verification-store.js';
import { runJob } from '../support/run-job.js';
import { ADMIN, Shop } from '../support/shop.js';

describe('The nightly verification', () => {
  let shop: Shop;
  let viewers: string[];
  /** Also the admin who gave them their money, of whom there are idempotency records. */
  let everyone: string[];
  beforeEach(async () => {
    shop = await Shop.open();
    viewers = [];
    for (let count = 0; count < 5; count++) viewers.push((await shop.viewer(1_000)).userId);
    everyone = [...viewers, ADMIN.userId as string].sort();
  });
  afterEach(() => shop.close());

  /** `checksPerNight`: the budget allows this many checks whether it is used up; the first half is for viewers that changed. */
  const verification = (checksPerNight = 1_000) => {
    const store = new VerificationStore(shop.db.database);
    let elapsedMs = 0;
    const settings = { budgetMs: checksPerNight, cycleNights: 7, viewersPerBatch: 1 };
    const { clock } = shop;
    return new StandingVerification({ database: shop.db.database, store, clock, settings, nowMs: () => elapsedMs++ });
  };
  const night = async (rounds: StandingVerification) => {
    shop.clock.advanceDays(1);
    const result = await rounds.run();
    const verified = await shop.db.rows<{ id: string }>('select user_id as id from viewer_verifications where verified_at = $1', [
      shop.clock.now(),
    ]);
    return { ...result, verifiedTonight: verified.map(({ id }) => id).sort() };
  };

  it('verifies everyone in one night if the budget allows it, and once only', async () => {
    const { verifiedNow, verified, viewers: count, inTime } = await night(verification());
    expect({ verifiedNow, verified, count, inTime }).toEqual({ verifiedNow: 6, verified: 6, count: 6, inTime: true });
    expect(await verification().report()).toMatchObject({ cycleComplete: true, balancesChecked: 6, transactionsChecked: 5 });
  });

  it('verifies those that changed first, and then all others in turn, from where it stopped the night before', async () => {
    await night(verification());
    const rounds = verification(3);
    const [a, b, c, d, e, f] = everyone as [string, string, string, string, string, string];
    for (const { changed, inTurn } of [
      { changed: f, inTurn: [a, b] },
      { changed: f, inTurn: [c, d] },
      { changed: b, inTurn: [e, f] },
      // The night before ended with the last viewer: to notice that takes a check.
      { changed: f, inTurn: [a] },
    ]) {
      await shop.db.pastTriggers(
        `update viewer_verifications set (journal_sequence, journal_hash) = (0, null) where user_id = '${changed}'`,
      );
      const { verifiedTonight } = await night(rounds);
      expect(verifiedTonight).toEqual([...inTurn, changed].sort());
    }
  });

  it('reaches everyone within a cycle although changes alone would use up the budget each night', async () => {
    const rounds = verification(1);
    for (let count = 0; count < 7; count++) {
      await shop.db.pastTriggers('update viewer_verifications set (journal_sequence, journal_hash) = (0, null)');
      await night(rounds);
    }
    expect(await rounds.report()).toMatchObject({ cycleComplete: true, verified: 6 });
  });

  it('warns when viewers were not verified within a cycle', async () => {
    const warnings: string[] = [];
    const run = (rounds: StandingVerification) =>
      runJob('verify-ledger', { verification: rounds }, { context: { warn: (message) => warnings.push(message) } });
    await run(verification());
    expect(warnings).toEqual([]);
    shop.clock.advanceDays(8);
    expect(await run(verification(1))).toMatch(/^\d viewers verified, \d of 6 within the cycle, 0 discrepancies$/);
    expect(warnings).toEqual([expect.stringContaining('raise VERIFY_LEDGER_BUDGET_MS')]);
  });

  it('keeps a discrepancy open until its viewer verifies again, and reports it meanwhile', async () => {
    const rounds = verification();
    const [first] = viewers as [string];
    await shop.db.pastTriggers(`update balances set posted = posted + 1 where user_id = '${first}'`);
    const counts: number[] = [];
    const run = () => runJob('verify-ledger', { verification: rounds }, { context: { found: (count) => counts.push(count) } });
    await run();

    const open = {
      openDiscrepancies: 2,
      discrepancies: [
        { userId: first, rule: 'BALANCE_IS_SUM_OF_TRANSACTIONS', expected: '1000', found: '1001' },
        { userId: first, rule: 'JOURNAL_HAS_EACH_BALANCE' },
      ],
    };
    expect(await rounds.report()).toMatchObject(open);
    shop.clock.advanceDays(1);
    await run();
    expect(await rounds.report()).toMatchObject(open);
    await shop.db.pastTriggers(`update balances set posted = posted - 1 where user_id = '${first}'`);
    shop.clock.advanceDays(1);
    await run();
    expect(await rounds.report()).toMatchObject({ openDiscrepancies: 0, discrepancies: [] });
    expect(counts).toEqual([2, 2, 0]);
  });

  it('does not close a discrepancy because rewritten history was verified a second time', async () => {
    const rounds = verification();
    const [first] = viewers as [string];
    await night(rounds);
    await shop.db.pastTriggers(`update journal set created_at = created_at - interval '1 day',
      hash = sha256(decode(repeat('00', 32), 'hex') || record_send(row(form, user_id, sequence, kind, subject_id, version, posted, held,
        state, digest, actor_id, created_at - interval '1 day'))) where user_id = '${first}' and sequence = 1`);
    for (let nights = 0; nights < 2; nights++) {
      await night(rounds);
      const { discrepancies } = await rounds.report();
      expect(discrepancies).toMatchObject([{ userId: first, rule: 'HISTORY_IS_AS_VERIFIED', found: 'another entry' }]);
    }
  });

  it('may run in two workers at once', async () => {
    const results = await Promise.all([verification().run(), verification().run()]);
    for (const { openDiscrepancies } of results) expect(openDiscrepancies).toBe(0);
    expect(await verification().report()).toMatchObject({ verified: 6, cycleComplete: true });
  });

  it('stops after the current batch when its worker stops, and continues the next time', async () => {
    const stopped = AbortSignal.abort();
    expect(await verification().run({ signal: stopped })).toMatchObject({ verifiedNow: 0 });
    expect(await verification().run()).toMatchObject({ verifiedNow: 6 });
  });
});
