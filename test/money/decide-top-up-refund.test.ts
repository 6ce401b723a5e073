import { describe, expect, test } from '@jest/globals';
import { decideTopUpRefund, grantLives, type RefundRefusal, refusalOf } from '../../src/services/refunds/decide-refund.js';

describe('A refund of a top-up', () => {
  test.each([
    ['of an amount is that amount', 400, 1_000, 1_000, 1, 400],
    ['of one minor unit is possible', 1, 1_000, 1_000, 1, 1],
    ['of all that is left, and available, is possible', 1_000, 1_000, 1_000, 1, 1_000],
    ['without an amount is of all that is left', null, 1_000, 5_000, 1, 1_000],
    ['without an amount is of all that is available', null, 1_000, 300, 1, 300],
    ['without an amount is in steps of the card', null, 1_005, 1_009, 10, 1_000],
    ['of the last step of the card is possible', null, 10, 10, 10, 10],
  ])('%s', (_words, wanted, left, available, step, expected) => {
    expect(decideTopUpRefund(wanted, left, available, 'USD', step)).toBe(expected);
  });

  const amountPath = ['input', 'amount'];
  const bounds = { minimum: { amount: 1, currency: 'USD' }, maximum: { amount: 1_000, currency: 'USD' } };
  const nothingLeft = { code: 'NOT_REFUNDABLE', reason: 'ALREADY_REFUNDED', path: ['input', 'transactionId'] };
  const outside = {
    code: 'AMOUNT_OUT_OF_BOUNDS',
    path: amountPath,
    message: expect.stringMatching(/Between 1 and 1000 /),
    ...bounds,
  };
  const spentBut = (amount: number) => ({
    code: 'INSUFFICIENT_FUNDS',
    message: expect.stringMatching(/has been spent/),
    path: amountPath,
    shortfall: { amount, currency: 'USD' },
  });
  test.each([
    ['of a payment with nothing left', null, 0, 1_000, 1, nothingLeft],
    ['of a payment with less left than the step of the card', null, 9, 1_000, 10, nothingLeft],
    ['of nothing', 0, 1_000, 1_000, 1, outside],
    ['of less than nothing', -1, 1_000, 1_000, 1, outside],
    ['of more than is left', 1_001, 1_000, 5_000, 1, outside],
    ['between two steps of the card', 15, 1_000, 1_000, 10, { code: 'INVALID_INPUT', path: amountPath }],
    ['of one more than is available', 500, 1_000, 499, 1, spentBut(1)],
    ['without an amount, with nothing available,', null, 1_000, 0, 1, spentBut(1)],
    ['without an amount, of a viewer in debt,', null, 1_000, -5, 1, spentBut(6)],
    ['without an amount, with less available than the step of the card,', null, 1_000, 4, 10, spentBut(6)],
  ])('%s is refused', (_words, wanted, left, available, step, expected) => {
    const refused = () => decideTopUpRefund(wanted, left, available, 'USD', step);
    expect(refused).toThrow(expect.objectContaining({ error: expect.objectContaining(expected) }));
  });
});

describe('The reason why a refund is refused', () => {
  test.each<[RefundRefusal, object]>([
    ['GIFT', { reason: 'GIFT', path: ['input', 'grantId'], message: 'A gift cannot be refunded.' }],
    ['FREE', { reason: 'FREE', path: ['input', 'grantId'], message: 'A free subscription cannot be refunded.' }],
    ['DISPUTED', { reason: 'DISPUTED', path: ['input', 'grantId'], message: 'The payment is disputed.' }],
    ['GRANT_ENDED', { reason: 'GRANT_ENDED', path: ['input', 'grantId'], message: 'The grant has already ended.' }],
    ['NO_UNUSED_DAYS', { reason: 'NO_UNUSED_DAYS', path: ['input', 'grantId'], message: 'No full unused day is left.' }],
    [
      'ALREADY_REFUNDED',
      { reason: 'ALREADY_REFUNDED', path: ['input', 'grantId'], message: 'Nothing is left of this payment to refund.' },
    ],
    [
      'NOT_A_CARD_PAYMENT',
      {
        reason: 'NOT_A_CARD_PAYMENT',
        path: ['input', 'destination'],
        message: 'Only a card payment can be refunded to a card.',
      },
    ],
    [
      'SHARE_ROUNDS_TO_ZERO',
      { reason: 'NO_UNUSED_DAYS', path: ['input', 'grantId'], message: expect.stringMatching(/less than one minor unit/) },
    ],
    [
      'CARD_HAS_LESS_LEFT',
      {
        reason: 'ALREADY_REFUNDED',
        path: ['input', 'destination'],
        message: expect.stringMatching(/only be refunded to the balance/),
      },
    ],
  ])('%s names the input that it is about, in words', (refused, expected) => {
    expect(refusalOf(refused, 0, 'USD').error).toEqual({ code: 'NOT_REFUNDABLE', ...expected });
  });

  test('a debt names what is missing', () => {
    expect(refusalOf('INSUFFICIENT_FUNDS', 7, 'USD').error).toEqual({
      code: 'INSUFFICIENT_FUNDS',
      message: expect.stringMatching(/below zero/),
      path: ['input', 'destination'],
      shortfall: { amount: 7, currency: 'USD' },
    });
  });

  test('a payment whose grant lives asks for the refund of the grant', () => {
    expect(grantLives().error).toEqual({
      code: 'NOT_REFUNDABLE',
      reason: 'NOT_A_CARD_PAYMENT',
      path: ['input', 'transactionId'],
      message: expect.stringMatching(/Refund the grant instead/),
    });
  });
});
