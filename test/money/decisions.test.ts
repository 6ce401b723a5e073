import { describe, expect, test } from '@jest/globals';
import { decideDispute, stateOf } from '../../src/services/disputes/decide-dispute.js';
import { decideSession } from '../../src/services/purchases/decide-session.js';
import { DAY_MS, decideTerms } from '../../src/services/purchases/decide-terms.js';
import {
  decideGrantRefund,
  decideRefundable,
  decideUnusedDays,
  type GrantFacts,
} from '../../src/services/refunds/decide-refund.js';
import { decideStripeRefund } from '../../src/services/refunds/decide-stripe-refund.js';

const boughtAt = new Date('2028-02-28T15:30:00.000Z'); // a leap year
const elapsed = (milliseconds: number) => new Date(boughtAt.getTime() + milliseconds);

describe('terms of a grant', () => {
  test('days are 24 hours, over a leap day too', () => {
    expect(decideTerms(2, boughtAt).availableUntil.toISOString()).toBe('2028-03-01T15:30:00.000Z');
  });
});

describe('unused days of a grant of 10 days', () => {
  const grant = { durationDays: 10, availableUntil: elapsed(10 * DAY_MS) };
  test.each([
    ['at the moment of purchase the first day counts as used', 0, 9],
    ['in the last millisecond of the first day', DAY_MS - 1, 9],
    ['when the second day begins', DAY_MS, 9],
    ['a millisecond into the second day', DAY_MS + 1, 8],
    ['a millisecond before the last day begins', 9 * DAY_MS - 1, 1],
    ['when the last day begins', 9 * DAY_MS, 1],
    ['a millisecond into the last day', 9 * DAY_MS + 1, 0],
    ['when it is over', 10 * DAY_MS, 0],
    ['long after', 400 * DAY_MS, 0],
    ['with a clock that was set back before the purchase', -3 * DAY_MS, 9],
  ])('%s', (_when, sinceMs, days) => {
    expect(decideUnusedDays(grant, elapsed(sinceMs))).toBe(days);
  });

  test('a subscription of one day never has an unused day', () => {
    expect(decideUnusedDays({ durationDays: 1, availableUntil: elapsed(DAY_MS) }, boughtAt)).toBe(0);
  });
});

describe('what a refund of a grant gives', () => {
  const facts = (change: Partial<GrantFacts['grant']> = {}, money: Partial<GrantFacts> = {}): GrantFacts => ({
    grant: {
      status: 'ACTIVE',
      paidWith: 'CARD',
      pricePerDay: 100,
      durationDays: 10,
      availableUntil: elapsed(10 * DAY_MS),
      ...change,
    },
    paid: 1000,
    spent: 1000,
    leftOnPayment: 1000,
    available: 0,
    ...money,
  });
  test.each([
    ['a grant by card goes back to the card', facts(), null, { unusedDays: 9, amount: 900, destination: 'CARD' }],
    ['or to the balance when asked', facts(), 'BALANCE', { unusedDays: 9, amount: 900, destination: 'BALANCE' }],
    [
      'a grant from the balance goes back there',
      facts({ paidWith: 'BALANCE' }, { leftOnPayment: 0 }),
      null,
      { unusedDays: 9, amount: 900, destination: 'BALANCE' },
    ],
    ['never to a card', facts({ paidWith: 'BALANCE' }), 'CARD', { refused: 'NOT_A_CARD_PAYMENT' }],
    ['a gift gives nothing', facts({ paidWith: 'GIFT' }), null, { refused: 'GIFT' }],
    ['a disputed grant waits', facts({ status: 'SUSPENDED' }), null, { refused: 'DISPUTED' }],
    ['a refunded grant is over', facts({ status: 'REFUNDED' }), null, { refused: 'GRANT_ENDED' }],
    ['so is one whose time ran out unnoticed', facts({ availableUntil: boughtAt }), null, { refused: 'GRANT_ENDED' }],
    ['a free one has nothing to give', facts({ pricePerDay: 0 }), null, { refused: 'FREE' }],
    ['one on its only day', facts({ durationDays: 1, availableUntil: elapsed(DAY_MS) }), null, { refused: 'NO_UNUSED_DAYS' }],
    [
      'never more than was spent and not given back',
      facts({}, { spent: 250 }),
      null,
      { unusedDays: 9, amount: 250, destination: 'CARD' },
    ],
    [
      'after a coupon the same share of the less that was paid, rounded down',
      facts({}, { paid: 505, spent: 505, leftOnPayment: 505 }),
      null,
      { unusedDays: 9, amount: 454, destination: 'CARD' },
    ],
    [
      'after a tax on top no more than the price of the days',
      facts({}, { paid: 1200, spent: 1200, leftOnPayment: 1200 }),
      null,
      { unusedDays: 9, amount: 900, destination: 'CARD' },
    ],
    ['nothing where a coupon made it free', facts({}, { paid: 0, spent: 0, leftOnPayment: 0 }), null, { refused: 'FREE' }],
    [
      'to the balance when the payment has too little left',
      facts({}, { leftOnPayment: 899 }),
      null,
      { unusedDays: 9, amount: 900, destination: 'BALANCE' },
    ],
    ['the card is refused then', facts({}, { leftOnPayment: 899 }), 'CARD', { refused: 'ALREADY_REFUNDED' }],
    [
      'to the balance when it is below zero',
      facts({}, { available: -1 }),
      null,
      { unusedDays: 9, amount: 900, destination: 'BALANCE' },
    ],
    ['the card is refused then too', facts({}, { available: -1 }), 'CARD', { refused: 'INSUFFICIENT_FUNDS' }],
    [
      'the largest price stays exact',
      facts(
        { pricePerDay: 2_400_000_000_000, durationDays: 3660, availableUntil: elapsed(3660 * DAY_MS) },
        { paid: 2 ** 53 - 1, spent: 2 ** 53 - 1, leftOnPayment: 2 ** 53 - 1 },
      ),
      null,
      { unusedDays: 3659, amount: 8_781_600_000_000_000, destination: 'CARD' },
    ],
  ] as const)('%s', (_words, given, wanted, expected) => {
    expect(decideGrantRefund(given, wanted, boughtAt)).toEqual(expected);
  });

  test.each([
    [1000, 300, 300],
    [300, 1000, 300],
    [1000, -5, 0],
    [0, 1000, 0],
  ])('a top-up with %i left and %i available: %i', (left, available, expected) => {
    expect(decideRefundable(left, available)).toBe(expected);
  });
});

describe('what a checkout session means', () => {
  const session = (status: string, paymentStatus: string, paymentFailed = false) => ({ status, paymentStatus, paymentFailed });
  test.each([
    ['paid fulfils', 'OPEN', session('complete', 'paid'), 'FULFIL'],
    ['free fulfils', 'OPEN', session('complete', 'no_payment_required'), 'FULFIL'],
    ['free but not completed does not', 'OPEN', session('open', 'no_payment_required'), 'NOTHING'],
    ['completed and unpaid waits', 'OPEN', session('complete', 'unpaid'), 'AWAIT_PAYMENT'],
    ['a failed delayed payment closes', 'OPEN', session('complete', 'unpaid', true), 'CLOSE_FAILED'],
    ['expired closes', 'OPEN', session('expired', 'unpaid'), 'CLOSE_EXPIRED'],
    ['open says nothing', 'OPEN', session('open', 'unpaid'), 'NOTHING'],
    ['paid after it was closed is fulfilled all the same', 'EXPIRED', session('complete', 'paid'), 'FULFIL'],
    ['paid after it had failed too', 'FAILED', session('complete', 'paid'), 'FULFIL'],
    ['nothing changes a paid order', 'PAID', session('expired', 'unpaid', true), 'NOTHING'],
    ['late news of an unpaid session do not reopen', 'FAILED', session('complete', 'unpaid'), 'NOTHING'],
  ] as const)('%s', (_words, order, facts, expected) => {
    expect(decideSession(order, facts)).toBe(expected);
  });
});

describe('what news of a refund mean', () => {
  test.each([
    ['PENDING', 'pending', 'NOTHING'],
    ['PENDING', 'requires_action', 'NOTHING'],
    ['PENDING', 'succeeded', 'SUCCEED'],
    ['PENDING', 'failed', 'FAIL'],
    ['PENDING', 'canceled', 'FAIL'],
    ['SUCCEEDED', 'pending', 'NOTHING'],
    ['SUCCEEDED', 'succeeded', 'NOTHING'],
    ['SUCCEEDED', 'failed', 'PUT_BACK'],
    ['FAILED', 'succeeded', 'NOTHING'],
    ['FAILED', 'failed', 'NOTHING'],
  ] as const)('ours %s, theirs %s: %s', (ours, theirs, expected) => {
    expect(decideStripeRefund(ours, theirs)).toBe(expected);
  });
});

describe('what news of a dispute mean', () => {
  const stateAfter = (...statuses: string[]) => {
    let state: ReturnType<typeof stateOf> | null = null;
    const money: string[] = [];
    for (const status of statuses) {
      const consequence = decideDispute(state, stateOf(status));
      state = consequence.state;
      if (consequence.money !== 'NOTHING') money.push(consequence.money);
    }
    return { ...state, money };
  };
  test('every order of arrival of a lost dispute ends with the money taken once', () => {
    for (const order of permutations(['needs_response', 'under_review', 'lost'])) {
      expect(stateAfter(...order)).toEqual({ outcome: 'LOST', funds: 'WITHDRAWN', money: ['WITHDRAW'] });
    }
  });
  test('every order of arrival of a won dispute ends with the money where it was', () => {
    for (const order of permutations(['needs_response', 'under_review', 'won'])) {
      const { outcome, funds, money } = stateAfter(...order);
      expect({ outcome, funds }).toEqual({ outcome: 'WON', funds: 'REINSTATED' });
      expect([[], ['WITHDRAW', 'REINSTATE']]).toContainEqual(money);
    }
  });
  test('an inquiry that closes moves no money', () => {
    expect(stateAfter('warning_needs_response', 'warning_under_review', 'warning_closed')).toEqual({
      outcome: 'WON',
      funds: 'UNTOUCHED',
      money: [],
    });
  });
});

function permutations<Item>(items: Item[]): Item[][] {
  if (items.length < 2) return [items];
  return items.flatMap((item, index) => permutations(items.filter((_, other) => other !== index)).map((rest) => [item, ...rest]));
}
