/** What Stripe moved for our viewers in one currency, in minor units; `net` is what the account was left with. */
export interface MovedTotal {
  readonly currency: string;
  readonly gross: number;
  readonly fees: number;
  readonly net: number;
}

/** Both together, by currency. */
export function addTotals(some: readonly MovedTotal[], more: readonly MovedTotal[]): MovedTotal[] {
  const sums = new Map<string, MovedTotal>();
  for (const total of [...some, ...more]) {
    const before = sums.get(total.currency) ?? { gross: 0, fees: 0, net: 0 };
    const { currency } = total;
    const [gross, fees, net] = [before.gross + total.gross, before.fees + total.fees, before.net + total.net];
    sums.set(currency, { currency, gross, fees, net });
  }
  return [...sums.values()];
}

/** For people. */
export function describeMoved(totals: readonly MovedTotal[]): string {
  if (totals.length === 0) return 'no money moved';
  const inWords = totals.map(({ currency, gross, fees, net }) => `${gross} ${currency} moved, ${fees} fees, ${net} net`);
  return `${inWords.join('; ')} (minor units)`;
}
