import { describe, expect, test } from '@jest/globals';
import { describeFailure } from '../../src/runtime/describe-failure.js';
import { storableJson } from '../../src/services/stripe-events/stripe-inbox.js';

describe('The words of a failure that are kept', () => {
  test.each([
    ['Invalid API Key provided: sk_test_51abcDEF', 'Invalid API Key provided: [redacted]'],
    ['key rk_live_abc expired', 'key [redacted] expired'],
    ['bad secret whsec_abcd', 'bad secret [redacted]'],
    ['pi_1_secret_abcd', 'pi_1[redacted]'],
    ['connect postgres://me:hidden@host/db', 'connect postgres://me:[redacted]@host/db'],
    ['header Bearer abc.def.ghi refused', 'header Bearer [redacted] refused'],
    ['token eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0 refused', 'token [redacted] refused'],
    ['card 4242 4242 4242 4242 declined', 'card [redacted] declined'],
    ['two\n  lines', 'two lines'],
  ])('%j becomes %j', (message, kept) => {
    expect(describeFailure(new Error(message))).toBe(kept);
  });

  test('name the kind of error and are short', () => {
    expect(describeFailure(new TypeError('x'.repeat(1_000)))).toMatch(/^TypeError: x{10,}$/);
    expect(describeFailure(new TypeError('x'.repeat(1_000))).length).toBe(500);
    expect(describeFailure('plain words')).toBe('plain words');
  });
});

describe('JSON for a jsonb column', () => {
  test('has no NUL and no half surrogate pairs, and is else the same', () => {
    const value = { a: 'x\0y', b: ['\ud800', '😀', '\\u0000'], c: null, d: 1.5 };
    expect(JSON.parse(storableJson(value))).toEqual({ a: 'xy', b: ['\u{FFFD}', '😀', '\\u0000'], c: null, d: 1.5 });
  });
});
