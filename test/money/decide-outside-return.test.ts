import { describe, expect, test } from '@jest/globals';
import type { GrantStatus } from '../../src/entities/grant.js';
import {
  decideCredit,
  decideGrantStatus,
  decideRepayment,
  isExhausted,
  type PaymentFacts,
} from '../../src/services/refunds/decide-outside-return.js';

const now = new Date('2028-02-28T15:30:00.000Z');
const later = new Date(now.getTime() + 1);

/** A payment of 1000 for a grant of 1000, of which nothing has been returned. */
const facts = (change: Partial<PaymentFacts> = {}): PaymentFacts => ({
  captured: 1_000,
  refunded: 0,
  refundedOutside: 0,
  disputed: 0,
  disputedFinally: 0,
  lostDispute: false,
  openDispute: false,
  paid: 1_000,
  returned: 0,
  returnedOutside: 0,
  endedHere: false,
  ...change,
});

describe('what is credited before money that left is debited', () => {
  test.each([
    ['all that left, when the grant cost more', 300, { returned: 200 }, 300],
    ['what is not returned yet, when more left', 900, { returned: 200 }, 800],
    ['nothing, when all is returned', 300, { returned: 1_000 }, 0],
    ['nothing, when more was returned than paid', 300, { returned: 1_001 }, 0],
    ['nothing, when the payment bought no grant', 300, { paid: 0 }, 0],
  ])('is %s', (_words, taken, change, credit) => {
    expect(decideCredit(taken, facts(change))).toBe(credit);
  });
});

describe('what of money that came back pays the grant again', () => {
  const outside = { returned: 700, returnedOutside: 700 };
  test.each<[string, number, Partial<PaymentFacts>, GrantStatus | null, number]>([
    ['all of it, when it had been credited', 700, outside, 'ACTIVE', 700],
    ['all of it, while another dispute is open', 700, outside, 'SUSPENDED', 700],
    ['all of it, for a grant that expired', 700, outside, 'EXPIRED', 700],
    ['what was credited, when more came back', 900, outside, 'ACTIVE', 700],
    ['not what a refund at Stripe still keeps', 700, { ...outside, refundedOutside: 200 }, 'ACTIVE', 500],
    ['not what a dispute still keeps', 700, { ...outside, disputed: 300 }, 'ACTIVE', 400],
    ['not what both still keep', 700, { ...outside, refundedOutside: 200, disputed: 300 }, 'ACTIVE', 200],
    ['nothing, when more is still kept than was credited', 100, { ...outside, disputed: 701 }, 'ACTIVE', 0],
    ['nothing, when the payment bought no grant', 700, outside, null, 0],
    ['nothing for a grant that its return ended as refunded', 700, outside, 'REFUNDED', 0],
    ['nothing for a grant that its return ended as revoked', 700, outside, 'REVOKED', 0],
    ['all of it for a grant that we had refunded before', 700, { ...outside, endedHere: true }, 'REFUNDED', 700],
    ['all of it for a grant that an admin had revoked before', 700, { ...outside, endedHere: true }, 'REVOKED', 700],
  ])('is %s', (_words, cameBack, change, status, repaid) => {
    expect(decideRepayment(cameBack, facts(change), status)).toBe(repaid);
  });
});

describe('What is left of a payment', () => {
  test.each([
    ['all of it', {}, false],
    ['one cent after refunds', { refunded: 999 }, false],
    ['one cent after refunds and a lost dispute', { refunded: 400, disputedFinally: 599 }, false],
    ['nothing after refunds and a lost dispute', { refunded: 400, disputedFinally: 600 }, true],
    ['nothing after more than all of it', { refunded: 1_000, disputedFinally: 1_000 }, true],
    ['all of it while a dispute of all of it is open', { disputed: 1_000 }, false],
  ])('is %s', (_words, change, exhausted) => {
    expect(isExhausted(facts(change))).toBe(exhausted);
  });
});

describe('A grant whose payment was returned', () => {
  const refundedInFull = { refunded: 1_000, refundedOutside: 1_000 };
  const lostInFull = { disputed: 1_000, disputedFinally: 1_000, lostDispute: true };
  const open = { disputed: 1_000, openDispute: true };
  test.each<[string, GrantStatus, Date, Partial<PaymentFacts>, GrantStatus]>([
    ['a part refunded leaves it active', 'ACTIVE', later, { refunded: 999, refundedOutside: 999 }, 'ACTIVE'],
    ['all refunded at Stripe ends it as REFUNDED', 'ACTIVE', later, refundedInFull, 'REFUNDED'],
    ['all lost in a dispute ends it as REVOKED', 'SUSPENDED', later, lostInFull, 'REVOKED'],
    [
      'the last cent refunded at Stripe, all else by us, ends it as REFUNDED',
      'EXPIRED',
      now,
      { refunded: 1_000, refundedOutside: 1 },
      'REFUNDED',
    ],
    [
      'the last cent lost in a dispute, all else by us, ends it as REFUNDED',
      'EXPIRED',
      now,
      { refunded: 999, disputed: 1, disputedFinally: 1 },
      'REFUNDED',
    ],
    ['as much refunded as lost ends it as REVOKED', 'ACTIVE', later, { ...lostInFull, refundedOutside: 1_000 }, 'REVOKED'],
    ['all refunded by us ends nothing', 'EXPIRED', now, { refunded: 1_000 }, 'EXPIRED'],
    ['a free order has nothing to lose', 'ACTIVE', later, { captured: 0, paid: 0 }, 'ACTIVE'],
    ['an open dispute suspends it', 'ACTIVE', later, open, 'SUSPENDED'],
    ['an open dispute leaves it suspended', 'SUSPENDED', later, open, 'SUSPENDED'],
    ['an open dispute leaves it suspended past its end', 'SUSPENDED', now, open, 'SUSPENDED'],
    ['an open dispute does not suspend one whose time is over', 'ACTIVE', now, open, 'ACTIVE'],
    ['an open dispute leaves an expired one as it is', 'EXPIRED', later, open, 'EXPIRED'],
    ['a won dispute reinstates it', 'SUSPENDED', later, {}, 'ACTIVE'],
    ['a won dispute reinstates it until its end, not included', 'SUSPENDED', now, {}, 'EXPIRED'],
    ['without news it stays active, for the job to expire', 'ACTIVE', now, {}, 'ACTIVE'],
    ['without news it stays expired', 'EXPIRED', later, {}, 'EXPIRED'],
    ['whatever happens, it stays REFUNDED', 'REFUNDED', later, { ...lostInFull, ...open }, 'REFUNDED'],
    ['whatever happens, it stays REVOKED', 'REVOKED', later, refundedInFull, 'REVOKED'],
  ])('%s', (_words, status, availableUntil, change, expected) => {
    expect(decideGrantStatus({ status, availableUntil }, facts(change), now)).toBe(expected);
  });
});
