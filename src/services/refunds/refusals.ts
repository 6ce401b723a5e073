import { insufficientFunds, type NotRefundableReason, outOfBounds, Refusal } from '../errors.js';
import type { RefundRefusal } from './decide-refund.js';

const WORDS: Record<NotRefundableReason, string> = {
  NO_UNUSED_DAYS: 'No whole day is left unused.',
  GRANT_ENDED: 'The grant has already ended.',
  DISPUTED: 'The payment is disputed at the bank.',
  GIFT: 'A gift has nothing to give back.',
  NOT_A_CARD_PAYMENT: 'Only what was paid by card can go back to a card.',
  ALREADY_REFUNDED: 'The payment has nothing left to give back.',
  FREE: 'A free subscription has nothing to give back.',
};

const WORTH_NOTHING = 'The unused days are worth less than one minor unit of what was paid.';
const CARD_HAS_LESS = 'Less than that is left of the card payment: it can only be refunded to the balance.';
const GRANT_LIVES = 'This payment bought a grant that has not ended: refund the grant.';

export const notRefundable = (reason: NotRefundableReason, path: string, message = WORDS[reason]) =>
  new Refusal({ code: 'NOT_REFUNDABLE', message, path: ['input', path], reason });

export const grantLives = () => notRefundable('NOT_A_CARD_PAYMENT', 'transactionId', GRANT_LIVES);

export const refusalOf = (refused: RefundRefusal, owed: number, currency: string) => {
  if (refused === 'SHARE_ROUNDS_TO_ZERO') return notRefundable('NO_UNUSED_DAYS', 'grantId', WORTH_NOTHING);
  if (refused === 'CARD_HAS_LESS_LEFT') return notRefundable('ALREADY_REFUNDED', 'destination', CARD_HAS_LESS);
  if (refused !== 'INSUFFICIENT_FUNDS')
    return notRefundable(refused, refused === 'NOT_A_CARD_PAYMENT' ? 'destination' : 'grantId');
  const message = 'The balance is below zero: what is given back can only go there.';
  return insufficientFunds(owed, currency, message, ['input', 'destination']);
};

export const moreThanIsLeft = (maximum: number, currency: string) => {
  const message = `Between 1 and ${maximum} minor units of this payment can be refunded.`;
  return outOfBounds(message, { minimum: 1, maximum, currency }, 'input', 'amount');
};

export const shortOf = (shortfall: number, currency: string) =>
  insufficientFunds(shortfall, currency, 'The balance does not cover the refund: the money was spent.', ['input', 'amount']);
