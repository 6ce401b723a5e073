/** An exact amount in the currency's minor unit, and the currency (ISO 4217). */
export interface Money {
  readonly amount: number;
  readonly currency: string;
}
