/** An amount in minor units, as people write it: { amount: 1250, currency: 'USD' } → $12.50. */
export function moneyText({ amount, currency }) {
  const digits = digitsOf(currency);
  const options = { style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat('en', options).format(amount / 10 ** digits);
}

// ISO 4217's digits, in which amounts are given. Those of Intl are fewer where small change is out of use (RSD, MGA).
const WHOLE = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF';
const THOUSANDTHS = 'BHD IQD JOD KWD LYD OMR TND';

const digitsOf = (currency) => (WHOLE.includes(currency) ? 0 : THOUSANDTHS.includes(currency) ? 3 : 2);

/** What stands before an amount of the currency: USD → $. */
export function currencySign(currency) {
  const parts = new Intl.NumberFormat('en', { style: 'currency', currency }).formatToParts(0);
  return parts.find(({ type }) => type === 'currency')?.value ?? currency;
}

/** What a person typed, in minor units; null when it is not an amount. "12.5" → 1250. */
export function minorUnits(text, currency) {
  const digits = digitsOf(currency);
  const match = /^(\d{1,9})(?:[.,](\d+))?$/.exec(text.trim());
  if (!match || (match[2] ?? '').length > digits) return null;
  return Number(match[1] + (match[2] ?? '').padEnd(digits, '0'));
}

const dateFormat = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' });

export const dateText = (instant) => dateFormat.format(new Date(instant));

const briefDateFormat = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric', hour: 'numeric', minute: '2-digit' });

export const briefDateText = (instant) => briefDateFormat.format(new Date(instant));

const dayFormat = new Intl.DateTimeFormat('en', { month: 'short', day: 'numeric' });

export const days = (count) => `${count} ${count === 1 ? 'day' : 'days'}`;

export const kindText = {
  TOP_UP: 'Paid in by card',
  SPENDING: 'Spent',
  REFUND: 'Refund',
  ADJUSTMENT: 'Adjusted by the house',
  DISPUTE: 'Disputed at the bank',
};

/** What moved the money, in words; a refund is a credit from a grant, or a debit on its way to a card. */
export function transactionText({ kind, amount, grant, reason }) {
  const words = kind === 'REFUND' && amount.amount < 0 ? 'Paid out to the card' : kindText[kind];
  return [words, grant?.subscription.title, reason].filter(Boolean).join(' · ');
}

export const grantStatusText = {
  ACTIVE: 'Active',
  EXPIRED: 'Over',
  REFUNDED: 'Given back',
  REVOKED: 'Taken away',
  SUSPENDED: 'Frozen: a dispute is open',
};

const why = {
  NO_GRANT: 'Not yours yet',
  EXPIRED: 'Your time is over',
  REFUNDED: 'You gave it back',
  REVOKED: 'Taken away',
  SUSPENDED: 'Frozen: a dispute is open',
  UNKNOWN_FILM: 'No such film',
};

/** Why a film may be watched, or why not, and what would open it. */
export function accessText({ allowed, reason, availableUntil, offers }) {
  if (allowed) return `Yours until ${dateText(availableUntil)}`;
  return offers.length > 0 ? `${why[reason]}. In: ${offers.map((offer) => offer.title).join(', ')}` : why[reason];
}

/** The same in a few words: the cheapest plan that opens it, unless there is something else to say. */
export function accessWords({ allowed, reason, availableUntil, offers }) {
  if (allowed) return `Yours until ${dayFormat.format(new Date(availableUntil))}`;
  return reason === 'NO_GRANT' && offers.length > 0 ? `In ${offers[0].title}` : why[reason];
}

/** What the API's errors say to a person. */
export function errorText(error) {
  if (error.code === 'INSUFFICIENT_FUNDS' && error.shortfall) {
    return `Your balance does not cover it: ${moneyText(error.shortfall)} are missing. Top up, or pay by card.`;
  }
  if (error.code === 'AMOUNT_OUT_OF_BOUNDS' && error.minimum) {
    return `The amount must be between ${moneyText(error.minimum)} and ${moneyText(error.maximum)}.`;
  }
  return error.message;
}
