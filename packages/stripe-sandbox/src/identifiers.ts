import { randomBytes } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** The number of characters after the prefix, as in Stripe's ids. */
const LENGTHS = {
  acct: 16,
  ch: 24,
  cs_test: 58,
  cus: 14,
  du: 24,
  evt: 24,
  li: 24,
  pi: 24,
  pm: 24,
  price: 24,
  prod: 14,
  py: 24,
  re: 24,
  req: 14,
  txn: 24,
  whd: 24,
} as const;

export type IdentifierPrefix = keyof typeof LENGTHS;

/** Returns a new id such as `pi_3QK…`; unguessable and unique. */
export function newIdentifier(prefix: IdentifierPrefix): string {
  return `${prefix}_${randomCharacters(LENGTHS[prefix])}`;
}

export function randomCharacters(count: number): string {
  let text = '';
  for (const byte of randomBytes(count)) text += ALPHABET[byte % ALPHABET.length];
  return text;
}
