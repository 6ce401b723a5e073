import { stripeDecimals } from './currency-rules.js';

const formats = new Map<string, Intl.NumberFormat>();

/** Formats an amount in Stripe's units of the currency: `$10.00`. */
export function moneyText(amountMinorUnits: number, currency: string): string {
  let format = formats.get(currency);
  if (format === undefined) {
    format = new Intl.NumberFormat('en-US', { style: 'currency', currency: currency.toUpperCase() });
    formats.set(currency, format);
  }
  const decimals = stripeDecimals(currency);
  const digits = String(amountMinorUnits).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  return format.format(`${whole}.${digits.slice(digits.length - decimals)}` as Intl.StringNumericLiteral);
}
