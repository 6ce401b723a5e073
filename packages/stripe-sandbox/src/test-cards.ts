/** A test card and its result. The numbers are Stripe's own test numbers: https://docs.stripe.com/testing */
export interface TestCard {
  readonly number: string;
  readonly brand: 'visa' | 'mastercard' | 'amex';
  readonly title: string;
  readonly decline: CardDecline | null;
}

export interface CardDecline {
  readonly code: 'card_declined' | 'expired_card' | 'incorrect_number';
  readonly declineCode: string | null;
  readonly message: string;
}

const declined = (declineCode: string, message: string): CardDecline => ({ code: 'card_declined', declineCode, message });

export const TEST_CARDS: readonly TestCard[] = [
  { number: '4242424242424242', brand: 'visa', title: 'Pays', decline: null },
  { number: '5555555555554444', brand: 'mastercard', title: 'Pays (Mastercard)', decline: null },
  {
    number: '4000000000009995',
    brand: 'visa',
    title: 'Declined: insufficient funds',
    decline: declined('insufficient_funds', 'Your card has insufficient funds.'),
  },
  {
    number: '4000000000000002',
    brand: 'visa',
    title: 'Declined (generic)',
    decline: declined('generic_decline', 'Your card was declined.'),
  },
  {
    number: '4000000000000069',
    brand: 'visa',
    title: 'Declined: expired card',
    decline: { code: 'expired_card', declineCode: null, message: 'Your card has expired.' },
  },
];

/** The result for any other number; real cards are never accepted. */
export const UNKNOWN_CARD: CardDecline = {
  code: 'incorrect_number',
  declineCode: null,
  message: 'This is not a test card. Only the test cards listed are accepted; real cards are never charged.',
};

/** Returns the test card with this number, ignoring spaces and dashes; undefined for any other number. */
export function findTestCard(number: string): TestCard | undefined {
  const digits = number.replaceAll(/[\s-]/g, '');
  return TEST_CARDS.find((card) => card.number === digits);
}
