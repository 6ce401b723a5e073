import { describe, expect, test } from '@jest/globals';
import {
  type DisputeNews,
  type DisputeState,
  mergeDispute,
  stateOf,
  takenBy,
} from '../../src/services/disputes/decide-dispute.js';
import { DAY_MS, decideSession, decideTerms } from '../../src/services/purchases/decide-order.js';
import {
  decideGrantRefund,
  decideRefundable,
  decideStripeRefund,
  decideUnusedDays,
  type GrantFacts,
} from '../../src/services/refunds/decide-refund.js';
import { fromStripe } from '../../src/stores/stripe-amounts.js';

const boughtAt = new Date('2028-02-28T15:30:00.000Z'); // a leap year
const elapsed = (milliseconds: number) => new Date(boughtAt.getTime() + milliseconds);

describe('terms of a grant', () => {
  test('days are 24 hours, over a leap day too', () => {
    expect(decideTerms(2, boughtAt).availableUntil.toISOString()).toBe('2028-03-01T15:30:00.000Z');
  });
});

describe('The unused days of a grant of 10 days', () => {
  const grant = { durationDays: 10, availableUntil: elapsed(10 * DAY_MS) };
  test.each([
    ['at the moment of purchase, whose day counts as used,', 9, 0],
    ['in the last millisecond of the first day', 9, DAY_MS - 1],
    ['when the second day begins', 9, DAY_MS],
    ['a millisecond into the second day', 8, DAY_MS + 1],
    ['a millisecond before the last day begins', 1, 9 * DAY_MS - 1],
    ['when the last day begins', 1, 9 * DAY_MS],
    ['a millisecond into the last day', 0, 9 * DAY_MS + 1],
    ['when it is over', 0, 10 * DAY_MS],
    ['long after', 0, 400 * DAY_MS],
    ['with a clock that was set back before the purchase', 9, -3 * DAY_MS],
  ])('%s are %i', (_when, days, sinceMs) => {
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
      durationDays: 10,
      availableUntil: elapsed(10 * DAY_MS),
      ...change,
    },
    paid: 1000,
    spent: 1000,
    leftOnPayment: 1000,
    chargedBack: false,
    available: 0,
    ...money,
  });
  test.each([
    ['a grant by card goes back to the card', facts(), null, { unusedDays: 9, amount: 900, destination: 'CARD' }],
    [
      'a grant by card goes to the balance when asked',
      facts(),
      'BALANCE',
      { unusedDays: 9, amount: 900, destination: 'BALANCE' },
    ],
    [
      'a grant from the balance goes back there',
      facts({ paidWith: 'BALANCE' }, { leftOnPayment: 0 }),
      null,
      { unusedDays: 9, amount: 900, destination: 'BALANCE' },
    ],
    ['a grant from the balance never goes to a card', facts({ paidWith: 'BALANCE' }), 'CARD', { refused: 'NOT_A_CARD_PAYMENT' }],
    ['a gift gives nothing', facts({ paidWith: 'GIFT' }), null, { refused: 'GIFT' }],
    ['a disputed grant waits', facts({ status: 'SUSPENDED' }), null, { refused: 'DISPUTED' }],
    ['a refunded grant is over', facts({ status: 'REFUNDED' }), null, { refused: 'GRANT_ENDED' }],
    ['a grant whose time ran out unnoticed is over too', facts({ availableUntil: boughtAt }), null, { refused: 'GRANT_ENDED' }],
    ['a free grant has nothing to give', facts({}, { paid: 0, spent: 0 }), null, { refused: 'FREE' }],
    [
      'a grant on its only day gives nothing',
      facts({ durationDays: 1, availableUntil: elapsed(DAY_MS) }),
      null,
      { refused: 'NO_UNUSED_DAYS' },
    ],
    [
      'a grant gives the share of what was spent and not yet returned, rounded down',
      facts({}, { spent: 255 }),
      null,
      { unusedDays: 9, amount: 229, destination: 'CARD' },
    ],
    ['what was returned in full gives nothing more', facts({}, { spent: 0 }), null, { refused: 'ALREADY_REFUNDED' }],
    [
      'a share that rounds to nothing is not called refunded',
      facts({}, { paid: 1, spent: 1, leftOnPayment: 1 }),
      null,
      { refused: 'SHARE_ROUNDS_TO_ZERO' },
    ],
    [
      'a payment that was charged back in part gives the rest to the balance',
      facts({}, { spent: 999, leftOnPayment: 999, chargedBack: true }),
      null,
      { unusedDays: 9, amount: 899, destination: 'BALANCE' },
    ],
    [
      'a payment that was charged back in part gives nothing to the card',
      facts({}, { leftOnPayment: 999, chargedBack: true }),
      'CARD',
      { refused: 'DISPUTED' },
    ],
    [
      'a grant with a coupon gives the same share of the less that was paid, rounded down',
      facts({}, { paid: 505, spent: 505, leftOnPayment: 505 }),
      null,
      { unusedDays: 9, amount: 454, destination: 'CARD' },
    ],
    [
      'a grant that a coupon made free gives nothing',
      facts({}, { paid: 0, spent: 0, leftOnPayment: 0 }),
      null,
      { refused: 'FREE' },
    ],
    [
      'a grant whose payment has too little left goes to the balance',
      facts({}, { leftOnPayment: 899 }),
      null,
      { unusedDays: 9, amount: 900, destination: 'BALANCE' },
    ],
    [
      'a grant whose payment has too little left is refused to the card',
      facts({}, { leftOnPayment: 899 }),
      'CARD',
      { refused: 'CARD_HAS_LESS_LEFT' },
    ],
    [
      'a grant whose payment has nothing left is called refunded',
      facts({}, { leftOnPayment: 0 }),
      'CARD',
      { refused: 'ALREADY_REFUNDED' },
    ],
    [
      'a grant goes to a balance that is below zero, not to the card',
      facts({}, { available: -1 }),
      null,
      { unusedDays: 9, amount: 900, destination: 'BALANCE' },
    ],
    [
      'a grant goes to the card when the payment has exactly the share left',
      facts({}, { leftOnPayment: 900 }),
      null,
      { unusedDays: 9, amount: 900, destination: 'CARD' },
    ],
    [
      'a grant whose payment has one unit left is refused to the card',
      facts({}, { leftOnPayment: 1 }),
      'CARD',
      { refused: 'CARD_HAS_LESS_LEFT' },
    ],
    [
      'a grant is refused to the card while the balance is below zero',
      facts({}, { available: -1 }),
      'CARD',
      { refused: 'INSUFFICIENT_FUNDS' },
    ],
    [
      'a grant at the largest price stays exact',
      facts(
        { durationDays: 3660, availableUntil: elapsed(3660 * DAY_MS) },
        { paid: 2 ** 53 - 1, spent: 2 ** 53 - 1, leftOnPayment: 2 ** 53 - 1 },
      ),
      null,
      { unusedDays: 3659, amount: 9_004_738_271_338_056, destination: 'CARD' },
    ],
  ] as const)('%s', (_words, given, wanted, expected) => {
    expect(decideGrantRefund(given, wanted, boughtAt)).toEqual(expected);
  });

  test.each([
    ['rounded down to the card, unless asked otherwise', 1005, null, { unusedDays: 9, amount: 900, destination: 'CARD' }],
    ['exact to the balance', 1005, 'BALANCE', { unusedDays: 9, amount: 904, destination: 'BALANCE' }],
    ['to the balance when it rounds down to nothing', 10, null, { unusedDays: 9, amount: 9, destination: 'BALANCE' }],
    ['refused to the card then', 10, 'CARD', { refused: 'SHARE_ROUNDS_TO_ZERO' }],
    ['refused to the card as too little left', 1005, 'CARD', { refused: 'CARD_HAS_LESS_LEFT' }, 899],
  ] as const)('a share where the card takes steps of 10: %s', (_words, spent, wanted, expected, left: number = spent) => {
    const given = facts({}, { paid: spent, spent, leftOnPayment: left });
    expect(decideGrantRefund(given, wanted, boughtAt, 10)).toEqual(expected);
  });

  test.each([
    [1005, 1005, 1000],
    [1005, 9, 0],
    [1000, 1000, 1000],
  ])('a top-up with %i left and %i available, where the card takes steps of 10, gives %i', (left, available, expected) => {
    expect(decideRefundable(left, available, 10)).toBe(expected);
  });

  test.each([
    [301, 1000, 301],
    [1000, 300, 300],
    [300, 1000, 300],
    [1000, -5, 0],
    [0, 1000, 0],
  ])('a top-up with %i left and %i available gives %i', (left, available, expected) => {
    expect(decideRefundable(left, available)).toBe(expected);
  });
});

describe('A checkout session', () => {
  const session = (status: string, paymentStatus: string, paymentFailed = false, current = true) => ({
    status,
    paymentStatus,
    paymentFailed,
    current,
  });
  test.each([
    ['that is paid fulfils the order', 'OPEN', session('complete', 'paid'), 'FULFIL'],
    ['that is free fulfils the order', 'OPEN', session('complete', 'no_payment_required'), 'FULFIL'],
    ['that is free but not completed does nothing', 'OPEN', session('open', 'no_payment_required'), 'NOTHING'],
    ['that is completed and unpaid waits for the payment', 'OPEN', session('complete', 'unpaid'), 'AWAIT_PAYMENT'],
    ['whose delayed payment failed closes the order', 'OPEN', session('complete', 'unpaid', true), 'CLOSE_FAILED'],
    ['that expired closes the order', 'OPEN', session('expired', 'unpaid'), 'CLOSE_EXPIRED'],
    ['that is open does nothing', 'OPEN', session('open', 'unpaid'), 'NOTHING'],
    ['paid after its order was closed fulfils it all the same', 'EXPIRED', session('complete', 'paid'), 'FULFIL'],
    ['paid after its order had failed fulfils it too', 'FAILED', session('complete', 'paid'), 'FULFIL'],
    ['that is paid does not change a paid order', 'PAID', session('complete', 'paid'), 'NOTHING'],
    ['that expired does not change a paid order', 'PAID', session('expired', 'unpaid', true), 'NOTHING'],
    ['paid after its order was cancelled fulfils it all the same', 'CANCELLED', session('complete', 'paid'), 'FULFIL'],
    ['whose unpaid state is heard of late does not reopen the order', 'FAILED', session('complete', 'unpaid'), 'NOTHING'],
    [
      'with a debit that starts after its order was cancelled waits for the money',
      'CANCELLED',
      session('complete', 'unpaid'),
      'NOTHING',
    ],
    ['that the bank pays fulfils a PROCESSING order', 'PROCESSING', session('complete', 'paid'), 'FULFIL'],
    ['that the bank refuses closes a PROCESSING order', 'PROCESSING', session('complete', 'unpaid', true), 'CLOSE_FAILED'],
    ['that expired never ends a PROCESSING order', 'PROCESSING', session('expired', 'unpaid'), 'NOTHING'],
    ['that is unpaid leaves a PROCESSING order until the bank responds', 'PROCESSING', session('complete', 'unpaid'), 'NOTHING'],
    ['that was replaced does not end the order when it ends', 'OPEN', session('expired', 'unpaid', false, false), 'NOTHING'],
    ['that was replaced and paid fulfils the order', 'OPEN', session('complete', 'paid', false, false), 'FULFIL'],
    [
      'that was replaced, and that the bank is asked about, waits for the payment',
      'OPEN',
      session('complete', 'unpaid', false, false),
      'AWAIT_PAYMENT',
    ],
  ] as const)('%s', (_words, status, facts, expected) => {
    expect(decideSession({ status, cancelRequestedAt: null }, facts)).toBe(expected);
  });

  test('that ends while its order is being cancelled makes it CANCELLED, unless it was paid', () => {
    const order = { status: 'OPEN', cancelRequestedAt: new Date(0) } as const;
    expect(decideSession(order, session('expired', 'unpaid'))).toBe('CLOSE_CANCELLED');
    expect(decideSession(order, session('complete', 'paid'))).toBe('FULFIL');
    expect(decideSession(order, session('complete', 'unpaid'))).toBe('AWAIT_PAYMENT');
  });
});

describe('News of a refund', () => {
  test.each([
    ['PENDING', 'pending', 'NAME'],
    ['PENDING', 'requires_action', 'NAME'],
    ['PENDING', 'succeeded', 'SUCCEED'],
    ['PENDING', 'failed', 'FAIL'],
    ['PENDING', 'canceled', 'FAIL'],
    ['SUCCEEDED', 'pending', 'NOTHING'],
    ['SUCCEEDED', 'succeeded', 'NOTHING'],
    ['SUCCEEDED', 'failed', 'PUT_BACK'],
    ['FAILED', 'succeeded', 'NOTHING'],
    ['FAILED', 'failed', 'NOTHING'],
  ] as const)('that is %s here and %s at Stripe: %s', (ours, theirs, expected) => {
    expect(decideStripeRefund({ status: ours, stripeRefundId: 're_1' }, theirs)).toBe(expected);
  });

  test.each([
    ['succeeded', 'SUCCEED_AFTER_ALL'],
    ['pending', 'NOTHING'],
    ['failed', 'NAME'],
  ] as const)('that was abandoned here before Stripe was known to have it, and is %s there: %s', (theirs, expected) => {
    expect(decideStripeRefund({ status: 'FAILED', stripeRefundId: null }, theirs)).toBe(expected);
  });
});

describe('what news of a dispute mean', () => {
  const news = (status: string, moved: number[] = [], amount = 1000) =>
    ({
      status,
      amount,
      currency: 'usd',
      balance_transactions: moved.map((part) => ({ amount: part, currency: 'usd' })),
    }) as unknown as DisputeNews;
  const stateAfter = (...all: DisputeNews[]) => {
    const [first, ...rest] = all as [DisputeNews, ...DisputeNews[]];
    const state = rest.reduce<DisputeState>(mergeDispute, stateOf(first));
    return { outcome: state.outcome, funds: state.funds, taken: takenBy(state) };
  };
  const expectInAnyOrder = (all: DisputeNews[], end: object) => {
    for (const order of permutations(all)) expect(stateAfter(...order, ...order)).toEqual(end);
  };
  const [lost, won] = [
    { outcome: 'LOST', funds: 'WITHDRAWN', taken: 1000 },
    { outcome: 'WON', funds: 'REINSTATED', taken: 0 },
  ];
  test.each<[string, DisputeNews[], object]>([
    [
      'a lost dispute without balance transactions has taken its amount',
      ['needs_response', 'under_review', 'lost'].map((s) => news(s)),
      lost,
    ],
    [
      'a won dispute without balance transactions has taken nothing',
      ['needs_response', 'under_review', 'won'].map((s) => news(s)),
      won,
    ],
    [
      'an inquiry that closes has taken nothing',
      ['warning_needs_response', 'warning_under_review', 'warning_closed'].map((s) => news(s)),
      { outcome: 'WON', funds: 'UNTOUCHED', taken: 0 },
    ],
    [
      'a dispute that is lost and later won has taken nothing',
      [news('needs_response', [-1000]), news('lost', [-1000]), news('won', [-1000, 1000])],
      won,
    ],
    [
      'a dispute that is won and lost again has taken its amount',
      [news('won', [-1000, 1000]), news('lost', [-1000, 1000, -1000]), news('needs_response', [-1000])],
      lost,
    ],
    [
      'a dispute that Stripe returned in part has taken the rest, whatever its status',
      [news('needs_response', [-1000]), news('won', [-1000, 400])],
      { outcome: 'WON', funds: 'WITHDRAWN', taken: 600 },
    ],
    [
      'a dispute that grew after the withdrawal has taken all of it',
      [news('needs_response', [-400], 400), news('needs_response', [-400, -600], 1000)],
      { outcome: 'OPEN', funds: 'WITHDRAWN', taken: 1000 },
    ],
    [
      'an inquiry that becomes a chargeback has taken what was withdrawn, not what it is about',
      [news('warning_needs_response', [], 400), news('needs_response', [-300], 400)],
      { outcome: 'OPEN', funds: 'WITHDRAWN', taken: 300 },
    ],
    [
      'an inquiry that closed and became a chargeback has taken what was withdrawn',
      [news('warning_closed', [], 300), news('needs_response', [-300], 300)],
      { outcome: 'WON', funds: 'WITHDRAWN', taken: 300 },
    ],
    [
      'a dispute that is lost without a further balance transaction has taken its amount',
      [news('needs_response', [-1000]), news('under_review', [-1000]), news('lost', [-1000])],
      lost,
    ],
    [
      'a dispute whose loss is reported without balance transactions has taken what earlier news stated',
      [news('needs_response', [-1000]), news('lost')],
      lost,
    ],
    [
      'a dispute that names its balance transactions after it has closed is what they say',
      [news('needs_response'), news('lost', [-1000, 300])],
      { outcome: 'LOST', funds: 'WITHDRAWN', taken: 700 },
    ],
    [
      'a dispute that Stripe returned but for one cent has taken that',
      [news('won', [-1000, 999])],
      { outcome: 'WON', funds: 'WITHDRAWN', taken: 1 },
    ],
    [
      'an inquiry that becomes a dispute without balance transactions has taken its amount',
      [news('warning_needs_response'), news('needs_response')],
      { outcome: 'OPEN', funds: 'WITHDRAWN', taken: 1000 },
    ],
    ['a dispute that is lost and later won without balance transactions has taken nothing', [news('lost'), news('won')], won],
    [
      'a dispute of 400 that was an inquiry about 700 has taken 400',
      [news('warning_needs_response', [], 700), news('needs_response', [], 400)],
      { outcome: 'OPEN', funds: 'WITHDRAWN', taken: 400 },
    ],
    [
      'a lost dispute that is opened again and returned has taken nothing',
      [news('lost', [-1000]), news('under_review', [-1000, 1000])],
      { outcome: 'OPEN', funds: 'REINSTATED', taken: 0 },
    ],
    [
      'a dispute whose amount grew without balance transactions has taken the greater amount',
      [news('needs_response', [], 400), news('needs_response', [], 700)],
      { outcome: 'OPEN', funds: 'WITHDRAWN', taken: 700 },
    ],
    [
      'a dispute that closed at another amount has taken that',
      [news('needs_response', [], 700), news('lost', [], 400)],
      { outcome: 'LOST', funds: 'WITHDRAWN', taken: 400 },
    ],
    [
      'a dispute that is lost although Stripe returned the money has taken nothing',
      [news('needs_response', [-1000]), news('lost', [-1000, 1000])],
      { outcome: 'LOST', funds: 'REINSTATED', taken: 0 },
    ],
  ])('%s, in any order of the news', (_words, all, end) => expectInAnyOrder(all, end));

  test('a rate beside an amount in the currency of the payment changes nothing', () => {
    const parts = [{ amount: -500, currency: 'usd', exchange_rate: 0.5 }];
    expect(takenBy(stateOf({ ...news('lost'), balance_transactions: parts } as unknown as DisputeNews))).toBe(500);
  });

  test('older news of a larger amount does not change what a closed dispute is about', () => {
    const closed = stateOf(news('lost', [-400], 400));
    expect(mergeDispute(closed, news('needs_response', [-400], 700))).toMatchObject({ outcome: 'LOST', amount: 400 });
  });

  test('the end of an inquiry that had become a dispute returns what the dispute had taken', () => {
    const returned = { outcome: 'WON', funds: 'REINSTATED', withdrawn: 1000, reinstated: 1000 };
    expect(mergeDispute(stateOf(news('needs_response')), news('warning_closed'))).toMatchObject(returned);
  });

  test.each([
    ['closed', 'warning_closed'],
    ['ended as prevented', 'prevented'],
  ])('an inquiry that %s has neither taken nor returned anything', (_words, status) => {
    const nothing = { outcome: 'WON', funds: 'UNTOUCHED', withdrawn: 0, reinstated: 0, movements: 0 };
    expect(stateOf(news(status))).toMatchObject(nothing);
  });

  test.each([
    ['withdrawn in one part', [-1000], { withdrawn: 1000, reinstated: 0, movements: 1 }],
    ['withdrawn in two and returned in one', [-600, 400, -1], { withdrawn: 601, reinstated: 400, movements: 3 }],
  ] as const)('what Stripe moved is counted each way: %s', (_words, moved, expected) => {
    expect(stateOf(news('needs_response', [...moved]))).toMatchObject(expected);
  });

  test("money in the account's own currency counts at the rate that Stripe changed it for", () => {
    const parts = [
      { amount: -920, currency: 'eur', exchange_rate: 0.92 },
      { amount: 450, currency: 'eur', exchange_rate: 0.9 },
    ];
    const dispute = { ...news('won'), balance_transactions: parts } as unknown as DisputeNews;
    expect(takenBy(stateOf(dispute))).toBe(500);
  });

  /** As a webhook has it, in Stripe's units. */
  const changed = (currency: string, amount: number, account: string, parts: [amount: number, rate: number | null][]) =>
    fromStripe({
      status: 'lost',
      amount,
      currency,
      balance_transactions: parts.map(([moved, exchange_rate]) => ({ amount: moved, currency: account, exchange_rate })),
    }) as unknown as DisputeNews;

  test.each<[string, DisputeNews, number]>([
    ['of a payment in krónur on a balance in dollars', changed('isk', 500_000, 'usd', [[-3_610, 0.00722]]), 5_000],
    ['of a payment in shillings on a balance in euros', changed('ugx', 500_000, 'eur', [[-119, 0.000238]]), 5_000],
    ['of a payment in dollars on a balance in krónur', changed('usd', 1_000, 'isk', [[-138_500, 138.5]]), 1_000],
    ['of a payment in ariary on a balance in euros', changed('mga', 5_000, 'eur', [[-97, 0.0194]]), 500_000],
    ['of a large payment, at a rate stated to five digits', changed('usd', 5_000_000, 'eur', [[-4_617_280, 0.92346]]), 5_000_000],
    ['of a payment in yen on a balance in dollars', changed('jpy', 3_000, 'usd', [[-1_987, 0.66231]]), 3_000],
    ['of a payment in won on a balance in dollars', changed('krw', 50_009, 'usd', [[-3_411, 0.0682]]), 50_009],
    ['of a payment in dinars on a balance in euros', changed('kwd', 12_340, 'eur', [[-3_701, 0.29992]]), 12_340],
    ['of which a part was taken', changed('krw', 50_009, 'usd', [[-1_000, 0.0682]]), 14_663],
    [
      'taken in two parts',
      changed('krw', 50_009, 'usd', [
        [-1_000, 0.0682],
        [-2_411, 0.0682],
      ]),
      50_009,
    ],
    [
      'taken and returned at another rate',
      changed('krw', 50_009, 'usd', [
        [-3_411, 0.0682],
        [3_496, 0.0699],
      ]),
      0,
    ],
    [
      'of which a part was returned',
      changed('krw', 50_009, 'usd', [
        [-3_411, 0.0682],
        [699, 0.0699],
      ]),
      40_009,
    ],
    ['whose rate Stripe does not state follows from the status', changed('krw', 50_009, 'usd', [[-3_411, null]]), 50_009],
  ])('the money of a dispute %s is in minor units of the payment, whatever the exchange rounded', (_words, dispute, taken) => {
    expect(takenBy(stateOf(dispute))).toBe(taken);
  });

  test('one balance transaction at an unknown rate makes all of them unknown: the status says what was taken', () => {
    const parts = [
      { amount: -500, currency: 'usd' },
      { amount: -460, currency: 'eur', exchange_rate: null },
    ];
    const dispute = { ...news('lost'), balance_transactions: parts } as unknown as DisputeNews;
    expect(stateOf(dispute)).toMatchObject({ withdrawn: 1000, reinstated: 0, movements: 0 });
  });

  test.each([
    ['are not expanded', ['txn_1']],
    ['are missing', null],
  ])('balance transactions that %s say nothing: the status does', (_words, balance_transactions) => {
    const dispute = { ...news('needs_response'), balance_transactions } as unknown as DisputeNews;
    expect(stateOf(dispute)).toMatchObject({ withdrawn: 1000, reinstated: 0, movements: 0 });
  });

  test.each<[string, Pick<DisputeState, 'outcome' | 'funds' | 'reinstated'>, DisputeNews[], number]>([
    [
      'won keeps its money when older news come late',
      { outcome: 'WON', funds: 'REINSTATED', reinstated: 1000 },
      [news('needs_response', [-1000])],
      0,
    ],
    [
      'won follows what Stripe has still not returned',
      { outcome: 'WON', funds: 'REINSTATED', reinstated: 1000 },
      [news('won', [-1000, 400])],
      600,
    ],
    ['lost follows a later win', { outcome: 'LOST', funds: 'WITHDRAWN', reinstated: 0 }, [news('won', [-1000, 1000])], 0],
    [
      'open follows what Stripe took',
      { outcome: 'OPEN', funds: 'WITHDRAWN', reinstated: 0 },
      [news('needs_response', [-300])],
      300,
    ],
  ])('a dispute from before balance transactions were read that was %s', (_words, before, all, taken) => {
    const known: DisputeState = { amount: 1000, withdrawn: 1000, movements: 0, ...before };
    expect(takenBy(all.reduce<DisputeState>(mergeDispute, known))).toBe(taken);
  });
});

function permutations<Item>(items: Item[]): Item[][] {
  if (items.length < 2) return [items];
  return items.flatMap((item, index) => permutations(items.filter((_, other) => other !== index)).map((rest) => [item, ...rest]));
}
