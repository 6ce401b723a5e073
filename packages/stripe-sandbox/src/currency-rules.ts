import { refused } from './stripe-error.js';

/** Stripe's own units, which differ from ISO 4217: https://docs.stripe.com/currencies#zero-decimal and #special-cases */
const ZERO_DECIMAL = new Set('bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf'.split(' '));
const THREE_DECIMAL = new Set('bhd jod kwd omr tnd'.split(' '));
/** Counted in hundredths for compatibility, but amounts must be whole units. */
const WHOLE_IN_HUNDREDTHS = new Set(['isk', 'ugx']);

/** How many decimals Stripe uses for the currency (in any case). */
export function stripeDecimals(currency: string): number {
  const code = currency.toLowerCase();
  return ZERO_DECIMAL.has(code) ? 0 : THREE_DECIMAL.has(code) ? 3 : 2;
}

/** @throws StripeFailure (400) for an amount that Stripe does not accept in the currency */
export function checkAmount(amount: number, currency: string, param: string): void {
  const step = THREE_DECIMAL.has(currency) ? 10 : WHOLE_IN_HUNDREDTHS.has(currency) ? 100 : 1;
  if (amount % step === 0) return;
  const message = `Invalid amount. In ${currency}, the amount must be evenly divisible by ${step}; you passed ${amount}.`;
  throw refused(message, { code: 'parameter_invalid_integer', param });
}
