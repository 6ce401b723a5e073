/**
 * Currencies whose smallest unit at Stripe differs from ISO 4217: the factor from our units to Stripe's, as [multiply by, divide by]. ISK
 * and UGX have no minor unit, but Stripe uses hundredths; MGA has hundredths (ISO), but Stripe uses whole ariary.
 * https://docs.stripe.com/currencies#special-cases and #zero-decimal
 */
const UNITS: Readonly<Record<string, readonly [number, number]>> = { ISK: [100, 1], UGX: [100, 1], MGA: [1, 100] };
/** If a JSON text contains none of these, nor an escape that could spell one, no amount has to be converted. */
const MAY_HAVE_OTHER_UNITS = new RegExp(`"(${Object.keys(UNITS).join('|')})"|\\\\u`, 'i');
/** Eight digits: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts */
const MAX_AT_STRIPE = 99_999_999;
/** Amounts with three decimals must end in 0: https://docs.stripe.com/currencies#three-decimal */
const THREE_DECIMAL_STEP = 10;
const THREE_DECIMAL = new Set(['BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND']);
/** The fields of Stripe's objects that are amounts in the object's currency. */
const AMOUNT_FIELD = /^(amount(_.+)?|unit_amount|fee|net|total|subtotal)$/;

const unitOf = (currency: string) => UNITS[String(currency).toUpperCase()] ?? ([1, 1] as const);

/** The smallest step of amounts that Stripe accepts in the currency, in our minor units. */
export function stripeStep(currency: string): number {
  const [, divisor] = unitOf(currency);
  return THREE_DECIMAL.has(currency) ? THREE_DECIMAL_STEP : divisor;
}

/** The largest amount up to `amount` that Stripe accepts. */
export const roundDownForStripe = (amount: number, currency: string): number => amount - (amount % stripeStep(currency));

/** The largest amount of one payment, in our minor units. */
export function maxPayment(currency: string): number {
  const [multiplier, divisor] = unitOf(currency);
  return roundDownForStripe(Math.floor(MAX_AT_STRIPE / multiplier) * divisor, currency);
}

/**
 * Converts our minor units to Stripe's.
 *
 * @throws RangeError for an amount that Stripe does not accept, which should have been rejected earlier
 */
export function toStripeAmount(amount: number, currency: string): number {
  if (amount % stripeStep(currency) !== 0) throw new RangeError(`Stripe does not accept ${amount} minor units of ${currency}`);
  const [multiplier, divisor] = unitOf(currency);
  return (amount / divisor) * multiplier;
}

/**
 * Reverses Stripe's currency conversion of an amount in its balance. Both amounts are in our minor units; the result is not rounded.
 * `rate` applies to Stripe's units.
 * https://docs.stripe.com/api/balance_transactions/object#balance_transaction_object-exchange_rate
 */
export function beforeExchange(amount: number, currency: string, rate: number, originalCurrency: string): number {
  const [multiplier, divisor] = unitOf(currency);
  const [originalMultiplier, originalDivisor] = unitOf(originalCurrency);
  return (((amount / divisor) * multiplier) / rate / originalMultiplier) * originalDivisor;
}

/** Parses JSON from Stripe and converts it with `fromStripe`. @throws SyntaxError */
export function parseStripeJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  return MAY_HAVE_OTHER_UNITS.test(text) ? fromStripe(value) : value;
}

/**
 * Converts the amounts in an object from Stripe, or in a list of them, to our minor units. Each object's amounts are in its own `currency`
 * or that of its parent. An amount that is not a whole number of our units stays a fraction, which is rejected when it would be stored.
 */
export function fromStripe<Value>(value: Value, outerCurrency = ''): Value {
  if (Array.isArray(value)) return value.map((part) => fromStripe(part, outerCurrency)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  const { currency: own } = value as { currency?: unknown };
  const currency = typeof own === 'string' ? own : outerCurrency;
  const [multiplier, divisor] = unitOf(currency);
  const entries = Object.entries(value).map(([name, part]) => {
    if (typeof part === 'number' && AMOUNT_FIELD.test(name)) return [name, (part / multiplier) * divisor];
    return [name, typeof part === 'object' ? fromStripe(part, currency) : part];
  });
  return Object.fromEntries(entries) as Value;
}
