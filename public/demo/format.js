/** Formats an amount in minor units: { amount: 1250, currency: 'USD' } → $12.50. */
export function moneyText({ amount, currency }) {
  const digits = digitsOf(currency);
  const options = { style: 'currency', currency, minimumFractionDigits: digits, maximumFractionDigits: digits };
  return new Intl.NumberFormat('en', options).format(amount / 10 ** digits);
}

// ISO 4217's digits, which amounts are in. Intl has fewer for currencies whose small change is out of use (RSD, MGA).
const WHOLE = 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF';
const THOUSANDTHS = 'BHD IQD JOD KWD LYD OMR TND';

const digitsOf = (currency) => (WHOLE.includes(currency) ? 0 : THOUSANDTHS.includes(currency) ? 3 : 2);

/** The symbol of a currency: USD → $. */
export function currencySign(currency) {
  const parts = new Intl.NumberFormat('en', { style: 'currency', currency }).formatToParts(0);
  return parts.find(({ type }) => type === 'currency')?.value ?? currency;
}

/** Parses what a person typed into minor units; null if it is not an amount. "12.5" → 1250. */
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
  TOP_UP: 'Card payment',
  SPENDING: 'Purchase',
  REFUND: 'Refund',
  ADJUSTMENT: 'Adjustment by support',
  DISPUTE: 'Payment dispute',
};

/** Describes a transaction. A REFUND is a credit for a grant's unused days, or a debit for a refund to the card. */
export function transactionText({ kind, amount, grant, reason }) {
  const text = kind === 'REFUND' && amount.amount < 0 ? 'Refunded to card' : kindText[kind];
  return [text, grant?.subscription.title, reason].filter(Boolean).join(' · ');
}

/** Reports a refund that was just made. */
export function refundText({ amount, destination, status }) {
  if (destination === 'BALANCE') return `${moneyText(amount)} was added to your balance.`;
  if (status === 'FAILED') return `The refund to your card failed. ${moneyText(amount)} was added to your balance.`;
  return `${moneyText(amount)} ${status === 'PENDING' ? 'is being' : 'was'} refunded to your card.`;
}

export const grantStatusText = {
  ACTIVE: 'Active',
  EXPIRED: 'Expired',
  REFUNDED: 'Refunded',
  REVOKED: 'Revoked',
  SUSPENDED: 'On hold: payment disputed',
};

const why = {
  NO_GRANT: 'Not in any of your plans',
  EXPIRED: 'Access expired',
  REFUNDED: 'Refunded',
  REVOKED: 'Revoked',
  SUSPENDED: 'On hold: payment disputed',
  UNKNOWN_FILM: 'Film not found',
};

/** Why a film can or cannot be watched, and which plans include it. */
export function accessText({ allowed, reason, availableUntil, offers }) {
  if (allowed) return `Available until ${dateText(availableUntil)}`;
  return offers.length > 0 ? `${why[reason]}. Included in: ${offers.map((offer) => offer.title).join(', ')}` : why[reason];
}

/** A shorter version of `accessText`: the cheapest plan that includes the film, unless there is a more specific reason. */
export function briefAccessText({ allowed, reason, availableUntil, offers }) {
  if (allowed) return `Available until ${dayFormat.format(new Date(availableUntil))}`;
  return reason === 'NO_GRANT' && offers.length > 0 ? `Included in ${offers[0].title}` : why[reason];
}

/** The message shown for an error of the API. */
export function errorText(error) {
  if (error.code === 'INSUFFICIENT_FUNDS' && error.shortfall) {
    return `Insufficient balance. You need ${moneyText(error.shortfall)} more.`;
  }
  if (error.code === 'AMOUNT_OUT_OF_BOUNDS' && error.minimum) {
    return `The amount must be between ${moneyText(error.minimum)} and ${moneyText(error.maximum)}.`;
  }
  return error.message;
}
