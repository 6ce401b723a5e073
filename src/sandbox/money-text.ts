const formats = new Map<string, Intl.NumberFormat>();

/** An amount in minor units as people write it: `$10.00`. The number of decimals is the currency's own (ISO 4217). */
export function moneyText(amountMinorUnits: number, currency: string): string {
  let format = formats.get(currency);
  if (format === undefined) {
    format = new Intl.NumberFormat('en-US', { style: 'currency', currency: currency.toUpperCase() });
    formats.set(currency, format);
  }
  const decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
  const digits = String(amountMinorUnits).padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  return format.format(`${whole}.${digits.slice(digits.length - decimals)}` as Intl.StringNumericLiteral);
}
