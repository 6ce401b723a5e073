import { describe, expect, test } from '@jest/globals';
import { newId } from '../../src/services/ids.js';
import { canBeOpened, decideOpenOrder, orderNamedBy } from '../../src/services/purchases/decide-order.js';

const now = new Date('2026-03-01T12:00:00.000Z');
const inMs = (milliseconds: number) => new Date(now.getTime() + milliseconds);
const HALF_HOUR_MS = 30 * 60_000;
const URL = 'https://films.test/';

type OpenOrder = Parameters<typeof decideOpenOrder>[0];
const order = (change: Partial<OpenOrder> = {}): OpenOrder => ({
  expiresAt: inMs(1),
  returnUrl: URL,
  stripeSessionId: 'cs_1',
  cancelRequestedAt: null,
  ...change,
});

describe('An open order for the same thing', () => {
  test.each<[string, Partial<OpenOrder>]>([
    ['with a session that lasts another millisecond', {}],
    ['without a session, with just enough time left to open one,', { stripeSessionId: null, expiresAt: inMs(HALF_HOUR_MS + 1) }],
  ])('%s is used', (_words, change) => {
    expect(decideOpenOrder(order(change), URL, now)).toBe('USE');
  });

  test('with a session for another return URL continues with another session', () => {
    expect(decideOpenOrder(order({ returnUrl: 'https://films.test/other' }), URL, now)).toBe('REPLACE_SESSION');
  });

  test.each<[string, Partial<OpenOrder>]>([
    ['whose session is over', { expiresAt: now }],
    ['whose cancellation was requested', { cancelRequestedAt: now }],
    [
      'whose cancellation was requested, for another return URL,',
      { cancelRequestedAt: now, returnUrl: 'https://films.test/other' },
    ],
    ['without a session, with too little time left to open one,', { stripeSessionId: null, expiresAt: inMs(HALF_HOUR_MS) }],
    [
      'without a session, for another return URL,',
      { stripeSessionId: null, expiresAt: inMs(2 * HALF_HOUR_MS), returnUrl: 'https://films.test/other' },
    ],
  ])('%s is settled with Stripe first', (_words, change) => {
    expect(decideOpenOrder(order(change), URL, now)).toBe('SETTLE');
  });

  test('can have a session opened while more than 30 minutes are left', () => {
    expect(canBeOpened({ expiresAt: inMs(HALF_HOUR_MS + 1) }, now)).toBe(true);
    expect(canBeOpened({ expiresAt: inMs(HALF_HOUR_MS) }, now)).toBe(false);
  });
});

describe('The order that a checkout session names', () => {
  const [named, referred] = [newId(), newId()];
  test.each([
    ['is the one in its metadata, whatever its reference', { order_id: named }, referred, named],
    ['is the one of its reference, when its metadata names none', {}, referred, referred],
    ['is the one of its reference, when it has no metadata', null, referred, referred],
    ['is none, when its metadata names something else', { order_id: 'A-17' }, referred, null],
    ['is none, when its reference is something else', {}, 'A-17', null],
    ['is none, when it has neither', null, null, null],
  ])('%s', (_words, metadata, client_reference_id, expected) => {
    expect(orderNamedBy({ metadata, client_reference_id } as Parameters<typeof orderNamedBy>[0])).toBe(expected);
  });
});
