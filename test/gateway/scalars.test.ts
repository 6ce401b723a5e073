import { describe, expect, test } from '@jest/globals';
import { parseValue } from 'graphql';
import { CurrencyCodeScalar, DateTimeScalar, IdempotencyKeyScalar, MinorUnitsScalar } from '../../src/resolvers/scalars.js';

describe('MinorUnits', () => {
  test.each([0, 1, -1, 9_007_199_254_740_991, -9_007_199_254_740_991])('takes %p, as variable and as literal', (amount) => {
    expect(MinorUnitsScalar.parseValue(amount)).toBe(amount);
    expect(MinorUnitsScalar.parseLiteral(parseValue(String(amount)))).toBe(amount);
    expect(MinorUnitsScalar.serialize(amount)).toBe(amount);
  });

  test.each([0.5, '100', 9_007_199_254_740_992, Number.NaN, Number.POSITIVE_INFINITY, true, null, {}, 10n])(
    'refuses %p',
    (value) => {
      expect(() => MinorUnitsScalar.parseValue(value)).toThrow('MinorUnits');
      expect(() => MinorUnitsScalar.serialize(value)).toThrow('MinorUnits');
    },
  );

  test.each(['1.0', '"100"', '9007199254740992', 'true', '1e3'])('refuses the literal %s', (literal) => {
    expect(() => MinorUnitsScalar.parseLiteral(parseValue(literal))).toThrow('MinorUnits');
  });

  test('knows one zero', () => {
    expect(Object.is(MinorUnitsScalar.parseValue(-0), 0)).toBe(true);
  });
});

describe('DateTime', () => {
  test.each([
    ['2026-11-23T09:34:37.123Z', '2026-11-23T09:34:37.123Z'],
    ['2026-11-23T10:34:37+01:00', '2026-11-23T09:34:37.000Z'],
    ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
  ])('takes %s', (text, instant) => {
    expect(DateTimeScalar.serialize(DateTimeScalar.parseValue(text))).toBe(instant);
  });

  test.each(['2026-11-23', '2026-11-23T09:34:37', '2026-02-30T00:00:00Z', '2026-13-01T00:00:00Z', 'now', 1_764_000_000, null])(
    'refuses %p',
    (value) => {
      expect(() => DateTimeScalar.parseValue(value)).toThrow('DateTime');
    },
  );
});

describe('CurrencyCode and IdempotencyKey', () => {
  test.each(['eur', 'EURO', 'E1R', '', 978])('%p is no currency', (value) => {
    expect(() => CurrencyCodeScalar.parseValue(value)).toThrow('CurrencyCode');
  });

  test.each(['1234567', 'x'.repeat(256), 'with\nline', 'süßigkeit', 12_345_678])('%p is no key', (value) => {
    expect(() => IdempotencyKeyScalar.parseValue(value)).toThrow('IdempotencyKey');
  });

  test.each(['12345678', 'x'.repeat(255), 'a b~!"#$'])('%p is a key', (value) => {
    expect(IdempotencyKeyScalar.parseValue(value)).toBe(value);
  });
});
