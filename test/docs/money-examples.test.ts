import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { type DisputeNews, mergeDispute, stateOf, takenBy } from '../../src/services/disputes/decide-dispute.js';
import { decideTerms } from '../../src/services/purchases/decide-order.js';
import { decideGrantRefund, decideRefundable, type GrantFacts } from '../../src/services/refunds/decide-refund.js';

const page = readFileSync('docs/money.md', 'utf8').replaceAll('−', '-');
const HOUR_MS = 60 * 60 * 1000;
const UNITS_MS: Record<string, number> = { day: 24 * HOUR_MS, h: HOUR_MS, hour: HOUR_MS, min: 60_000, second: 1_000, s: 1_000 };
const BOUGHT_AT = new Date('2026-03-01T10:00:00Z');

/** The numbers of the one place where the page says it so. */
function numbersOf(words: RegExp): number[] {
  const found = [...page.matchAll(new RegExp(words.source, 'gs'))];
  expect([words.source, found.length]).toEqual([words.source, 1]);
  return (found[0] ?? []).slice(1).map(Number);
}

/** The rows of the table below a line, without its head. */
function tableBelow(line: string): string[][] {
  const [, after = ''] = page.split(line);
  const rows = /\n((?:\|.*\n)+)/.exec(after)?.[1]?.trim().split('\n') ?? [];
  return rows.slice(2).map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** "10 days and 1 hour after the purchase", as an instant of a grant from BOUGHT_AT until its end. */
function instant(words: string, end: Date): Date {
  const parts = [...words.replace('one ', '1 ').matchAll(/(\d+) (day|hour|h|min|second|s)/g)];
  expect(parts.length).toBeGreaterThan(0);
  const distanceMs = parts.reduce((sum, [, count, unit = '']) => sum + Number(count) * (UNITS_MS[unit] ?? Number.NaN), 0);
  if (words.endsWith('after the purchase')) return new Date(BOUGHT_AT.getTime() + distanceMs);
  expect(words).toMatch(/before the end$/);
  return new Date(end.getTime() - distanceMs);
}

const [durationDays = 0, pricePerDay = 0, price = 0] = numbersOf(/(\d+) days at (\d+) a day, so its price is (\d+)/);

function factsOf(paidWith: 'CARD' | 'BALANCE'): GrantFacts {
  const { availableUntil } = decideTerms(durationDays, BOUGHT_AT);
  const grant = { status: 'ACTIVE' as const, paidWith, durationDays, availableUntil };
  return { grant, paid: price, spent: price, leftOnPayment: paidWith === 'CARD' ? price : 0, chargedBack: false, available: 0 };
}

describe('the worked examples of docs/money.md', () => {
  it('begin with a price that is days times price per day', () => {
    expect(price).toBe(durationDays * pricePerDay);
    expect(price).toBeGreaterThan(0);
  });

  it('refund what the rule gives, at each of the instants shown', () => {
    const rows = tableBelow('A day is 24 hours.');
    expect(rows.length).toBe(5);
    for (const [askedFor = '', unusedDays, shown] of rows) {
      const facts = factsOf('CARD');
      const decided = decideGrantRefund(facts, null, instant(askedFor, facts.grant.availableUntil));
      const amount = 'refused' in decided ? `refused: ${decided.refused}` : String(decided.amount);
      expect([askedFor, amount]).toEqual([askedFor, shown]);
      expect(Number(unusedDays)).toBe('refused' in decided ? 0 : decided.unusedDays);
    }
  });

  it('give of what was paid with a coupon the same share', () => {
    const [paid = 0, days, amount] = numbersOf(/after paying (\d+) with a coupon,\s+(\d+) unused days are worth (\d+)/);
    const facts = { ...factsOf('CARD'), paid, spent: paid, leftOnPayment: paid };
    const end = facts.grant.availableUntil.getTime();
    const decided = decideGrantRefund(facts, null, new Date(end - Number(days) * 24 * HOUR_MS));
    expect(decided).toMatchObject({ unusedDays: days, amount });
  });

  it('take the way back that a grant was paid by', () => {
    const soon = new Date(BOUGHT_AT.getTime() + 1_000);
    const [toBalance] = numbersOf(/\*\*To the balance\*\*[^:]*: REFUND \+(\d+) from REVENUE/);
    expect(decideGrantRefund(factsOf('BALANCE'), null, soon)).toMatchObject({ destination: 'BALANCE', amount: toBalance });
    const [, made = [], done = [], failed = []] = tableBelow('**To the card**');
    const [amount] = numbersOf(/grant REFUNDED, REFUND \+(\d+), hold/);
    expect(decideGrantRefund(factsOf('CARD'), null, soon)).toMatchObject({ destination: 'CARD', amount });
    expect(decideGrantRefund(factsOf('CARD'), 'BALANCE', soon)).toMatchObject({ destination: 'BALANCE', amount });
    expect(decideGrantRefund({ ...factsOf('CARD'), leftOnPayment: 0 }, 'CARD', soon)).toEqual({ refused: 'ALREADY_REFUNDED' });
    expect(made.slice(1).map(Number)).toEqual([amount, amount, 0]);
    expect(done.slice(1).map(Number)).toEqual([0, 0, 0]);
    expect(failed.slice(1).map(Number)).toEqual([amount, 0, amount]);
  });

  it('add up: posted is the sum so far, available is posted less held', () => {
    const purchase = tableBelow('## Purchase by card');
    expect(purchase.map(([kind]) => kind)).toEqual(['TOP_UP', 'SPENDING']);
    let posted = 0;
    for (const [, amount, after] of purchase) {
      posted += Number(amount);
      expect(Math.abs(Number(amount))).toBe(price);
      expect(Number(after)).toBe(posted);
    }
    for (const [, ...row] of tableBelow('**To the card**')) {
      const [sum = 0, held = 0, available] = row.map(Number);
      expect(available).toBe(sum - held);
    }
    const [has = 0, spent, left] = numbersOf(/With (\d+) available: SPENDING -(\d+), (\d+) left/);
    expect([spent, left]).toEqual([price, has - price]);
    const [less = 0, shortfall] = numbersOf(/With (\d+) available: `InsufficientFunds \{ shortfall: (\d+) \}`/);
    expect(shortfall).toBe(price - less);
  });

  it('give of a top-up what the balance covers', () => {
    const [topUp = 0, bought = 0, refundable = 0] = numbersOf(
      /After a top-up of (\d+) and a purchase of (\d+) from it,\s+`refundable` is (\d+)/,
    );
    expect(decideRefundable(topUp, topUp - bought)).toBe(refundable);
    const [left] = numbersOf(/after \d+ is refunded it is (\d+) until/);
    expect(decideRefundable(topUp - refundable, topUp - bought - refundable)).toBe(left);
  });

  it('show the four outcomes of a dispute as the code decides them', () => {
    const sentences = page.split('## Disputes')[1]?.replaceAll(/\s+/g, ' ') ?? '';
    const news = (status: string, moved: number[]) =>
      ({
        status,
        amount: price,
        currency: 'usd',
        balance_transactions: moved.map((amount) => ({ amount })),
      }) as unknown as DisputeNews;
    const open = stateOf(news('needs_response', [-price]));
    const end = (status: string, moved: number[]) => {
      const state = mergeDispute(open, news(status, moved));
      return { outcome: state.outcome, taken: takenBy(state) };
    };
    expect(sentences).toContain('While a dispute is open the grant is SUSPENDED');
    expect(open.outcome).toBe('OPEN');
    expect(sentences).toContain('Won: Stripe returns the money, and the grant is restored.');
    expect(end('won', [-price, price])).toEqual({ outcome: 'WON', taken: 0 });
    expect(sentences).toContain('Lost, with nothing of the payment left: the grant is REVOKED.');
    expect(end('lost', [-price])).toEqual({ outcome: 'LOST', taken: price });
    expect(sentences).toContain('An inquiry moves nothing.');
    expect(takenBy(stateOf(news('warning_needs_response', [])))).toBe(0);
  });
});
