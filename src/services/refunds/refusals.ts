import { insufficientFunds, type NotRefundableReason, outOfBounds, Refusal } from '../errors.js';
import type { RefundRefusal } from './decide-refund.js';

const MESSAGES: Record<NotRefundableReason, string> = {
  NO_UNUSED_DAYS: 'No full unused day is left.',
  GRANT_ENDED: 'The grant has already ended.',
  DISPUTED: 'The payment is disputed.',
  GIFT: 'A gift cannot be refunded.',
  NOT_A_CARD_PAYMENT: 'Only a card payment can be refunded to a card.',
  ALREADY_REFUNDED: 'Nothing is left of this payment to refund.',
  FREE: 'A free subscription cannot be refunded.',
};

const WORTH_NOTHING = 'The unused days are worth less than one minor unit of what was paid.';
const CARD_HAS_LESS = 'Less than this amount is left of the card payment: it can only be refunded to the balance.';
const GRANT_LIVES = 'This payment bought a grant that has not ended. Refund the grant instead.';

export const notRefundable = (reason: NotRefundableReason, path: string, message = MESSAGES[reason]) =>
  new Refusal({ code: 'NOT_REFUNDABLE', message, path: ['input', path], reason });

export const grantLives = () => notRefundable('NOT_A_CARD_PAYMENT', 'transactionId', GRANT_LIVES);

export const refusalOf = (refused: RefundRefusal, owed: number, currency: string) => {
  if (refused === 'SHARE_ROUNDS_TO_ZERO') return notRefundable('NO_UNUSED_DAYS', 'grantId', WORTH_NOTHING);
  if (refused === 'CARD_HAS_LESS_LEFT') return notRefundable('ALREADY_REFUNDED', 'destination', CARD_HAS_LESS);
  if (refused !== 'INSUFFICIENT_FUNDS')
    return notRefundable(refused, refused === 'NOT_A_CARD_PAYMENT' ? 'destination' : 'grantId');
  const message = 'The balance is below zero, so this can only be refunded to the balance.';
  return insufficientFunds(owed, currency, message, ['input', 'destination']);
};

export const moreThanIsLeft = (maximum: number, currency: string) => {
  const message = `Between 1 and ${maximum} minor units of this payment can be refunded.`;
  return outOfBounds(message, { minimum: 1, maximum, currency }, 'input', 'amount');
};

export const shortOf = (shortfall: number, currency: string) =>
  insufficientFunds(shortfall, currency, 'Insufficient balance for this refund: the money has been spent.', ['input', 'amount']);
