import { describe, expect, it } from '@jest/globals';
import { decodeForm } from '../src/form-body.js';
import { moneyText } from '../src/money-text.js';

describe('A form body', () => {
  it('is decoded with its brackets', () => {
    const form = decodeForm(
      'line_items[0][price_data][currency]=usd&line_items[0][quantity]=2&expand[]=a&expand[]=b&name=A%26B+C',
    );
    expect(JSON.parse(JSON.stringify(form))).toEqual({
      line_items: { 0: { price_data: { currency: 'usd' }, quantity: '2' } },
      expand: { 0: 'a', 1: 'b' },
      name: 'A&B C',
    });
  });

  it('cannot change prototypes', () => {
    const form = decodeForm('__proto__[polluted]=yes&constructor[prototype][polluted]=yes');
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(Object.keys(form)).toEqual(['__proto__', 'constructor']);
  });

  it.each([
    ['contradicts itself', 'a=1&a[b]=2'],
    ['contradicts itself the other way', 'a[b]=2&a=1'],
    ['has an open bracket', 'a[b=1'],
    ['is nested too deeply', 'a[b][c][d][e][f][g][h][i]=1'],
    ['has too many parameters', Array.from({ length: 1_001 }, (_unused, index) => `a${index}=1`).join('&')],
  ])('is refused when it %s', (_fault, encoded) => {
    expect(() => decodeForm(encoded)).toThrow(expect.objectContaining({ statusCode: 400 }));
  });
});

describe('An amount', () => {
  it.each([
    [0, 'usd', '$0.00'],
    [5, 'usd', '$0.05'],
    [99_999_999, 'usd', '$999,999.99'],
    [500, 'jpy', '¥500'],
    [1_234, 'eur', '€12.34'],
    [1_234, 'kwd', 'KWD\u00a01.234'],
  ])('of %i %s is shown as %s', (amount, currency, shown) => {
    expect(moneyText(amount, currency)).toBe(shown);
  });
});
