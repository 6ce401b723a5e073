import type { BillingError } from '../services/errors.js';

/** The contract's type of an expected error is named after its code: NOT_ON_SALE is a `NotOnSale`. */
export const billingErrorType = ({ code }: BillingError): string =>
  code.toLowerCase().replace(/(?:^|_)([a-z])/g, (_, letter: string) => letter.toUpperCase());
